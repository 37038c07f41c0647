import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import software.amazon.event.ruler.Machine;

/** How many events a second Event Ruler matches on one thread: RulerBench RULES EVENTS SECONDS, as event_bench does. */
public class RulerBench {
  public static void main(String[] arguments) throws Exception {
    Machine machine = new Machine();
    int number = 0;
    for (String rule : Files.readAllLines(Path.of(arguments[0]))) machine.addRule("rule-" + number++, rule);
    List<String> events = Files.readAllLines(Path.of(arguments[1]));
    double seconds = Double.parseDouble(arguments[2]);
    long matches = 0;
    for (String event : events) matches += machine.rulesForJSONEvent(event).size();
    // The compiler of the virtual machine has to have seen all of it.
    measure(machine, events, seconds / 2);
    System.out.println(Math.round(measure(machine, events, seconds)) + " " + matches + " 0");
  }

  private static double measure(Machine machine, List<String> events, double seconds) throws Exception {
    long done = 0;
    long found = 0;
    long start = System.nanoTime();
    double passed = 0;
    while (passed < seconds) {
      for (String event : events) found += machine.rulesForJSONEvent(event).size();
      done += events.size();
      passed = (System.nanoTime() - start) / 1e9;
    }
    if (found < 0) throw new IllegalStateException();
    return done / passed;
  }
}
