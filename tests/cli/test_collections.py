"""index, search and people: on a local data folder, and against a server."""

import pytest

from cli.conftest import ASTRONAUT, GROUP, PHOTOS


@pytest.fixture(params=["local", "server"])
def where(request, tmp_path):
    """Options that say where the work is done: both must behave alike."""
    if request.param == "local":
        return ["--data", str(tmp_path / "collections")]
    server = request.getfixturevalue("server")
    return ["--endpoint", server.endpoint, "--data", str(server.data)]


@pytest.fixture
def staff(likeness, where, request):
    """A collection of the photo of four, named so that tests do not meet."""
    name = f"staff-{abs(hash(request.node.name))}"
    assert likeness("index", name, GROUP, *where).code == 0
    yield name
    likeness("collections", "delete", name, *where)


def test_index_answers_with_the_stored_faces(likeness, where):
    done = likeness("index", "answers", GROUP, ASTRONAUT, "--json", *where)
    assert done.code == 0
    group, astronaut = done.lines
    assert len(group["FaceRecords"]) == 4 and len(astronaut["FaceRecords"]) == 1
    face = astronaut["FaceRecords"][0]["Face"]
    assert face["ExternalImageId"] == "astronaut" and len(face["FaceId"]) == 36
    again = likeness("index", "answers", ASTRONAUT, "--json", *where)
    assert again.json["FaceRecords"][0]["Face"]["FaceId"] == face["FaceId"], "the same photo is not stored twice"
    assert likeness("collections", "delete", "answers", *where).code == 0


def test_search_finds_who_is_there_and_only_them(likeness, where, staff):
    found = likeness("search", staff, GROUP, "--json", *where)
    assert found.code == 0
    assert found.json["FaceMatches"][0]["Similarity"] > 99
    assert found.json["FaceMatches"][0]["Face"]["ExternalImageId"] == "sample4"
    nobody = likeness("search", staff, ASTRONAUT, "--json", *where)
    assert nobody.code == 1 and nobody.json["FaceMatches"] == []


def test_search_all_names_every_face_of_a_group(likeness, where, staff, tmp_path):
    found = likeness("search", staff, GROUP, "--all", "--json", "--draw", tmp_path / "who.png", *where)
    assert found.code == 0
    faces = found.json["SearchedFaces"]
    assert len(faces) == 4 and all(face["FaceMatches"] for face in faces)
    assert len({face["FaceMatches"][0]["Face"]["FaceId"] for face in faces}) == 4, "four different people"
    assert (tmp_path / "who.png").stat().st_size > 10_000


def test_an_unknown_collection_is_named(likeness, where):
    done = likeness("search", "ghosts", ASTRONAUT, *where)
    assert done.code == 4 and "ghosts" in done.err


def test_people_have_faces_and_can_be_forgotten(likeness, where, staff):
    made = likeness("people", "create", staff, "eileen", ASTRONAUT, "--json", *where)
    assert made.code == 0 and made.json["AssociatedFaces"] == 1
    listed = likeness("people", "list", staff, "--json", *where)
    assert listed.json["Users"] == [{"UserId": "eileen", "UserStatus": "ACTIVE", "FaceCount": 1}]
    assert listed.json["FacesOfNobody"] == 4
    (face,) = likeness("people", "show", staff, "eileen", "--json", *where).json["Faces"]
    assert face["UserId"] == "eileen"
    found = likeness("search", staff, ASTRONAUT, *where)
    assert found.code == 0 and "eileen" in found.out
    assert likeness("people", "delete", staff, "eileen", "--faces", *where).code == 0
    assert likeness("people", "list", staff, "--json", *where).json == {"Users": [], "FacesOfNobody": 4}
    assert likeness("people", "show", staff, "eileen", *where).code == 4


def test_collections_are_listed_with_their_counts(likeness, where, staff):
    listed = likeness("collections", "list", "--json", *where).json["Collections"]
    (mine,) = [each for each in listed if each["CollectionId"] == staff]
    assert mine["FaceCount"] == 4 and mine["UserCount"] == 0


def test_two_processes_cannot_share_a_data_folder(likeness, server):
    done = likeness("collections", "list", "--data", server.data)
    assert done.code == 4 and "--endpoint" in done.err


def test_a_server_that_is_not_there_is_said_once(likeness):
    done = likeness("detect", GROUP, ASTRONAUT, "--endpoint", "http://127.0.0.1:9",
                    env={"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"})
    assert done.code == 4
    assert done.err.count("http://127.0.0.1:9") == 1


def test_a_wrong_key_is_told_apart(likeness, server):
    done = likeness("detect", ASTRONAUT, "--endpoint", server.endpoint,
                    env={"AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "B"})
    assert done.code == 4 and "credentials" in done.err


def test_the_check_is_the_same_here_and_on_a_server(likeness, server):
    here = likeness("check", PHOTOS, "--json")
    there = likeness("check", PHOTOS, "--json", "--endpoint", server.endpoint, "--data", server.data)
    assert here.code == there.code == 1
    for a, b in zip(here.lines, there.lines):
        assert a["Verdict"] == b["Verdict"]
        for one, other in zip(a["Rules"], b["Rules"]):
            assert one["Rule"] == other["Rule"] and abs(one["Margin"] - other["Margin"]) < 0.01
