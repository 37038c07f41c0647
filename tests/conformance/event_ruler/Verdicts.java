import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import software.amazon.event.ruler.JsonRuleCompiler;
import software.amazon.event.ruler.Machine;
import software.amazon.event.ruler.MachineComplexityEvaluator;
import software.amazon.event.ruler.Ruler;

/** Reads cases, one a line ({"name", "rule", "event"}, the last two as text), and writes each with Event Ruler's verdict. */
public class Verdicts {
  private static final int COMPLEXITY_ALLOWED = 10;

  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    PrintStream out = new PrintStream(System.out, false, "UTF-8");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ObjectNode one = (ObjectNode) mapper.readTree(line);
      String rule = one.get("rule").asText();
      String problem = JsonRuleCompiler.check(rule);
      if (problem == null) {
        try {
          Machine machine = new Machine();
          machine.addRule("rule", rule);
          if (machine.evaluateComplexity(new MachineComplexityEvaluator(1000)) > COMPLEXITY_ALLOWED) {
            one.put("complex", true);
          } else {
            one.put("match", Ruler.matchesRule(one.get("event").asText(), rule));
          }
        } catch (RuntimeException failure) {
          one.put("failed", String.valueOf(failure));
        }
      } else {
        one.put("error", problem);
      }
      out.println(mapper.writeValueAsString(one));
    }
    out.flush();
  }
}
