"""What was acknowledged survives a restart. test_kill.py kills amid writes."""

from pictures import astronaut, photo


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
