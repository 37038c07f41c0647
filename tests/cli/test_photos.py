"""check, detect and compare, on this machine."""

import os
import pty
import shutil
import struct
import subprocess
import zlib

from cli.conftest import ASTRONAUT, GROUP, PHOTOS
from likeness_server import BINARY


def png_size(path):
    """Width and height, after every chunk's checksum has been verified and the pixels unpacked."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, size = 8, b"", None
    while at < len(data):
        (length,) = struct.unpack(">I", data[at:at + 4])
        kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            pixels += body
        at += 12 + length
    assert len(zlib.decompress(pixels)) == size[1] * (1 + 3 * size[0])
    return size


def test_a_smiling_photo_fails_the_passport_rules(likeness):
    done = likeness("check", ASTRONAUT, "--json")
    assert done.code == 1
    assert done.json["Verdict"] == "FAIL"
    assert [rule["Rule"] for rule in done.json["Rules"]] == ["Smile", "Sunglasses", "EyesOpen", "MouthOpen"]
    smile = done.json["Rules"][0]
    assert smile["Result"] == "FAIL" and smile["Measured"]["Value"] is True and smile["Margin"] < -50
    assert smile["Wanted"] == {"Value": False, "Confidence": 90.0}
    assert "Smile" in smile["Reason"]


def test_the_table_says_by_how_much(likeness):
    done = likeness("check", ASTRONAUT)
    assert done.code == 1
    assert done.out.startswith("FAIL  ")
    assert "wanted No > 90 %" in done.out
    assert "\x1b" not in done.out, "no colours in a pipe"


def test_brief_leaves_out_what_passed(likeness):
    done = likeness("check", ASTRONAUT, "--brief")
    assert "Smile" in done.out and "EyesOpen" not in done.out


def test_a_rule_that_the_photo_keeps_passes(likeness, tmp_path):
    rules = tmp_path / "one.yaml"
    rules.write_text("name: one\nrules:\n  - rule: FaceCount\n    min: 1\n    max: 1\n"
                     "  - rule: Yaw\n    min: -45\n    max: 45\n  - rule: Liveness\n    min: 0\n")
    done = likeness("check", ASTRONAUT, "--rules", rules, "--json")
    assert done.code == 0 and done.json["Verdict"] == "PASS" and done.json["RuleSet"] == "one"


def test_every_subject_of_the_strict_rules_is_measured(likeness):
    done = likeness("check", ASTRONAUT, "--rules", "strict", "--json")
    assert all(rule["Measured"] is not None for rule in done.json["Rules"])


def test_a_broken_rule_file_names_its_line(likeness, tmp_path):
    rules = tmp_path / "broken.yaml"
    rules.write_text("rules:\n  - rule: Smile\n    value: false\n    confidence: 3\n")
    done = likeness("check", ASTRONAUT, "--rules", rules)
    assert done.code == 2
    assert "line 4" in done.err and "min_confidence" in done.err


def test_detect_has_the_members_of_the_api(likeness):
    done = likeness("detect", GROUP, "--json")
    assert done.code == 0
    faces = done.json["FaceDetails"]
    assert len(faces) == 4
    for face in faces:
        assert {"BoundingBox", "AgeRange", "Smile", "Eyeglasses", "Sunglasses", "Gender", "Beard", "Mustache",
                "EyesOpen", "MouthOpen", "Emotions", "FaceOccluded", "EyeDirection", "Landmarks", "Pose", "Quality",
                "Confidence"} <= face.keys()
        assert len(face["Landmarks"]) == 30 and len(face["Emotions"]) == 8
        assert abs(sum(emotion["Confidence"] for emotion in face["Emotions"]) - 100) < 0.1
    areas = [face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"] for face in faces]
    assert areas == sorted(areas, reverse=True)


def test_a_photo_without_a_face_is_no(likeness, tmp_path):
    black = tmp_path / "black.png"
    rows = b"".join(b"\0" + bytes(3 * 100) for _ in range(100))
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    black.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0))
                      + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    done = likeness("detect", black, "--json")
    assert done.code == 1 and done.json["FaceDetails"] == []
    assert likeness("check", black).code == 1


def test_folders_patterns_and_files_are_taken_and_answered_in_order(likeness, tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    for name in ("in/b.jpg", "in/deep/a.jpg"):
        shutil.copy(GROUP, tmp_path / name)
    (tmp_path / "in/readme.txt").write_text("not a photo")
    by_folder = likeness("detect", tmp_path / "in", "--json")
    assert [line["Photo"] for line in by_folder.lines] == [str(tmp_path / "in/b.jpg"), str(tmp_path / "in/deep/a.jpg")]
    by_pattern = likeness("detect", str(tmp_path / "in/*.jpg"), "--json")
    assert [line["Photo"] for line in by_pattern.lines] == [str(tmp_path / "in/b.jpg")]
    assert by_folder.lines[0]["FaceDetails"] == by_folder.lines[1]["FaceDetails"], "same bytes, same numbers"
    assert likeness("detect", tmp_path / "in/*.gif").code == 2


def test_standard_input_is_a_photo(likeness):
    done = likeness("detect", "-", "--json", input=GROUP.read_bytes())
    assert done.code == 0 and len(done.json["FaceDetails"]) == 4


def test_broken_files_do_not_stop_the_good_ones(likeness, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(GROUP.read_bytes()[:5000])
    (tmp_path / "empty.png").write_bytes(b"")
    done = likeness("detect", tmp_path / "cut.jpg", GROUP, tmp_path / "empty.png", tmp_path / "none.jpg", "--json")
    assert done.code == 3
    assert [("Error" in line) for line in done.lines] == [True, False, True, True]
    assert len(done.err.splitlines()) == 3
    assert likeness("detect", tmp_path / "none.jpg").code == 3


def test_draw_makes_pictures(likeness, tmp_path):
    done = likeness("check", ASTRONAUT, GROUP, "--draw", tmp_path / "drawn")
    assert done.code == 1
    width, height = png_size(tmp_path / "drawn/astronaut.png")
    assert width > 512 and height >= 512, "the verdict stands beside the photo"
    assert png_size(tmp_path / "drawn/sample4.png")[1] >= 1448
    assert likeness("detect", GROUP, "--draw", tmp_path / "one.png").code == 0
    assert png_size(tmp_path / "one.png") == (1920, 1448)
    assert likeness("detect", GROUP, "--draw", tmp_path / "one.jpg").code == 0
    assert (tmp_path / "one.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert likeness("detect", GROUP, ASTRONAUT, "--draw", tmp_path / "two.png").code == 2


def test_compare_finds_the_same_person_and_nobody_else(likeness):
    same = likeness("compare", ASTRONAUT, ASTRONAUT, "--json")
    assert same.code == 0 and same.json["FaceMatches"][0]["Similarity"] > 99
    other = likeness("compare", ASTRONAUT, GROUP, "--json")
    assert other.code == 1
    assert other.json["FaceMatches"] == [] and len(other.json["UnmatchedFaces"]) == 4
    both = likeness("compare", ASTRONAUT, GROUP, ASTRONAUT)
    assert both.code == 0 and "SAME" in both.out and "OTHER" in both.out


def test_colours_and_progress_are_for_terminals(tmp_path):
    def on_a_terminal(**extra):
        master, slave = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | extra
        process = subprocess.Popen([str(BINARY), "check", str(PHOTOS / "sample1.jpg"), str(ASTRONAUT)], stdout=slave,
                                   stderr=slave, env=environment)
        os.close(slave)
        seen = b""
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
        process.wait()
        os.close(master)
        return seen

    assert b"\x1b[1;31mFAIL" in on_a_terminal()
    assert b"photos/s" in on_a_terminal()
    assert b"\x1b[1;31mFAIL" not in on_a_terminal(NO_COLOR="1")


def test_wrong_usage_is_two(likeness):
    assert likeness().code == 2
    assert likeness("check").code == 2
    assert likeness("nonsense").code == 2
    assert likeness("check", ASTRONAUT, "--rules", "nothing").code == 2
    assert likeness("compare", ASTRONAUT, GROUP, "--threshold", "101").code == 2
