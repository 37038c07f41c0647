"""What was acknowledged survives a restart, kill -9 included; what was not is there whole or not at all."""

import os
import random
import threading
import time


from pictures import astronaut, photo

KILLS = int(os.environ.get("LIKENESS_KILLS", "100" if os.environ.get("LIKENESS_LONG") else "3"))


def everything(client, collection):
    faces = {}
    for page in client.get_paginator("list_faces").paginate(CollectionId=collection):
        faces |= {face["FaceId"]: face for face in page["Faces"]}
    return faces


def matches(client, collection, image):
    answer = client.search_faces_by_image(CollectionId=collection, Image={"Bytes": image}, MaxFaces=4096,
                                          FaceMatchThreshold=0)
    return {match["Face"]["FaceId"]: match["Similarity"] for match in answer["FaceMatches"]}


def test_a_restart_keeps_everything(start_server):
    first = start_server()
    client = first.client()
    client.create_collection(CollectionId="staff", Tags={"team": "blue"})
    client.index_faces(CollectionId="staff", Image={"Bytes": photo("sample6.jpg")}, ExternalImageId="party")
    (record,) = client.index_faces(CollectionId="staff", Image={"Bytes": astronaut()})["FaceRecords"]
    client.create_user(CollectionId="staff", UserId="eileen", ClientRequestToken="once")
    client.associate_faces(CollectionId="staff", UserId="eileen", FaceIds=[record["Face"]["FaceId"]])
    before = everything(client, "staff"), matches(client, "staff", photo("astronaut.png"))
    description = client.describe_collection(CollectionId="staff")
    page_token = client.list_faces(CollectionId="staff", MaxResults=2)["NextToken"]
    assert first.stop() == 0

    client = start_server(data=first.data).client()
    assert (everything(client, "staff"), matches(client, "staff", photo("astronaut.png"))) == before
    again = client.describe_collection(CollectionId="staff")
    for member in ("CollectionARN", "CreationTimestamp", "FaceCount", "FaceModelVersion", "UserCount"):
        assert again[member] == description[member]
    assert client.list_tags_for_resource(ResourceArn=again["CollectionARN"])["Tags"] == {"team": "blue"}
    (match,) = client.search_users_by_image(CollectionId="staff", Image={"Bytes": photo("astronaut.png")})["UserMatches"]
    assert match["User"]["UserId"] == "eileen"
    client.create_user(CollectionId="staff", UserId="eileen", ClientRequestToken="once")  # answered as before
    assert len(client.list_faces(CollectionId="staff", NextToken=page_token)["Faces"]) == 3
    # The same image is still known.
    client.index_faces(CollectionId="staff", Image={"Bytes": photo("sample6.jpg")}, ExternalImageId="party")
    assert len(everything(client, "staff")) == 5


def test_the_credentials_stay(start_server):
    first = start_server()
    credentials = first.credentials
    first.stop()
    assert start_server(data=first.data).credentials == credentials


def test_kill_9_while_indexing_and_deleting(start_server):
    """Clients index and delete without a pause until the server is killed at a random moment. After the next start, what
    was acknowledged holds, every face that is there is whole, and index and store agree."""
    running = start_server()
    running.client().create_collection(CollectionId="c")
    data = running.data
    # By external id: "present" or "absent" as acknowledged; "unknown" while a request is under way.
    state, ids, lock = {}, {}, threading.Lock()
    random_numbers = random.Random(7)
    total = 0
    for kill in range(KILLS):
        stop = threading.Event()

        def work(worker, server):
            client = server.client()
            number = 0
            try:
                while not stop.is_set():
                    number += 1
                    name = f"{kill}-{worker}-{number}"
                    with lock:
                        state[name] = "unknown"
                    answer = client.index_faces(CollectionId="c", Image={"Bytes": astronaut()}, ExternalImageId=name)
                    with lock:
                        state[name] = "present"
                        ids[name] = answer["FaceRecords"][0]["Face"]["FaceId"]
                    if number % 3 == 0:
                        with lock:
                            state[name] = "unknown"
                        client.delete_faces(CollectionId="c", FaceIds=[ids[name]])
                        with lock:
                            state[name] = "absent"
            except Exception:
                if not stop.is_set():
                    raise

        threads = [threading.Thread(target=work, args=(worker, running)) for worker in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.5 + random_numbers.random())
        stop.set()
        running.kill()
        for thread in threads:
            thread.join()

        running = start_server(data=data)
        client = running.client()
        faces = everything(client, "c")
        there = {face["ExternalImageId"]: face for face in faces.values()}
        assert len(there) == len(faces), "one image, one face"
        for name, known in state.items():
            if known == "present":
                assert name in there and there[name]["FaceId"] == ids[name], f"{name} was acknowledged"
            elif known == "absent":
                assert name not in there, f"{name} was deleted"
        for face in faces.values():
            assert set(face) == {"FaceId", "BoundingBox", "ImageId", "ExternalImageId", "Confidence",
                                 "IndexFacesModelVersion"}
        found = matches(client, "c", astronaut())
        assert set(found) == set(faces), "index and store agree"
        assert all(similarity > 99 for similarity in found.values()), "no vector is half"
        # Requests cut off are settled now.
        for name in state:
            if state[name] == "unknown":
                state[name] = "present" if name in there else "absent"
                if name in there:
                    ids[name] = there[name]["FaceId"]
        total = len(faces)
    assert total >= KILLS, "the server was killed while it worked"



def test_a_deleted_collection_stays_deleted_after_kill_9(start_server):
    first = start_server()
    client = first.client()
    client.create_collection(CollectionId="c")
    client.index_faces(CollectionId="c", Image={"Bytes": photo("sample6.jpg")})
    client.delete_collection(CollectionId="c")
    first.kill()
    client = start_server(data=first.data).client()
    assert client.list_collections()["CollectionIds"] == []
    client.create_collection(CollectionId="c")
    assert everything(client, "c") == {}
