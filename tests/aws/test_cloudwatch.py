"""Metrics, alarms and dashboards: what CloudWatch answers. boto3 speaks CBOR to it; JSON and forms are sent by hand."""

import datetime
import json
import time
import urllib.parse
import uuid

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from pictures import photo


@pytest.fixture(scope="session")
def cloudwatch(server):
    return server.client("cloudwatch")


@pytest.fixture
def namespace():
    """A namespace of the test's own."""
    return f"Tests/{uuid.uuid4()}"


def minute(ago=0):
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.replace(second=0, microsecond=0) - datetime.timedelta(minutes=ago)


def by_hand(server, body, headers, path="/"):
    """A signed POST: status, headers, text."""
    key, secret = server.credentials
    request = AWSRequest("POST", server.endpoint + path, data=body, headers=headers)
    SigV4Auth(Credentials(key, secret), "monitoring", "us-east-1").add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, answer.headers, answer.text


def test_data_are_added_up_by_period_and_unit(cloudwatch, namespace):
    at = minute(5)
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[
        {"MetricName": "Seen", "Timestamp": at, "Value": 3, "Unit": "Count"},
        {"MetricName": "Seen", "Timestamp": at + datetime.timedelta(seconds=20), "Value": 5, "Unit": "Count"},
        {"MetricName": "Seen", "Timestamp": at + datetime.timedelta(minutes=1), "Values": [1, 2, 4], "Counts": [2, 1, 1], "Unit": "Count"},
        {"MetricName": "Seen", "Timestamp": at, "Unit": "Bytes",
         "StatisticValues": {"SampleCount": 2, "Sum": 10, "Minimum": 4, "Maximum": 6}}])
    def statistics(period, **more):
        answer = cloudwatch.get_metric_statistics(
            Namespace=namespace, MetricName="Seen", StartTime=at, EndTime=at + datetime.timedelta(minutes=10), Period=period,
            Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"], **more)
        assert answer["Label"] == "Seen"
        return sorted(answer["Datapoints"], key=lambda p: (p["Timestamp"], p["Unit"]))
    points = statistics(60)
    assert [(p["Timestamp"], p["Unit"], p["SampleCount"], p["Average"], p["Sum"], p["Minimum"], p["Maximum"]) for p in points] == [
        (at, "Bytes", 2, 5, 10, 4, 6), (at, "Count", 2, 4, 8, 3, 5), (at + datetime.timedelta(minutes=1), "Count", 4, 2, 8, 1, 4)]
    assert [p["Sum"] for p in statistics(600, Unit="Count")] == [16]
    extended = cloudwatch.get_metric_statistics(
        Namespace=namespace, MetricName="Seen", StartTime=at, EndTime=at + datetime.timedelta(minutes=10), Period=600,
        ExtendedStatistics=["p50", "tm90"], Unit="Count")["Datapoints"]
    assert extended[0]["ExtendedStatistics"]["p50"] == 2


def test_metrics_are_listed_by_namespace_name_and_dimensions(cloudwatch, namespace):
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[
        {"MetricName": name, "Value": 1, "Dimensions": [{"Name": "Camera", "Value": camera}, {"Name": "Site", "Value": "a"}]}
        for name in ("Frames", "Faces") for camera in ("east", "west")])
    found = cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    assert len(found) == 4
    assert found[0] == {"Namespace": namespace, "MetricName": "Faces",
                        "Dimensions": [{"Name": "Camera", "Value": "east"}, {"Name": "Site", "Value": "a"}]}
    west = cloudwatch.list_metrics(Namespace=namespace, MetricName="Frames", Dimensions=[{"Name": "Camera", "Value": "west"}],
                                   RecentlyActive="PT3H")["Metrics"]
    assert len(west) == 1
    assert len(cloudwatch.list_metrics(Namespace=namespace, Dimensions=[{"Name": "Site"}])["Metrics"]) == 4
    assert cloudwatch.list_metrics(Namespace=namespace, Dimensions=[{"Name": "Other"}])["Metrics"] == []


def test_more_than_a_page_of_metrics_is_listed_in_pages(cloudwatch, namespace):
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": f"m{i:04}", "Value": i} for i in range(700)])
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace))
    assert [len(page["Metrics"]) for page in pages] == [500, 200]
    names = [m["MetricName"] for page in pages for m in page["Metrics"]]
    assert names == [f"m{i:04}" for i in range(700)]


def test_metric_data_can_be_computed_with(cloudwatch, namespace, refused):
    at = minute(10)
    for i, (ok, bad) in enumerate([(8, 2), (9, 1), (5, 0)]):
        when = at + datetime.timedelta(minutes=i)
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[
            {"MetricName": "Ok", "Timestamp": when, "Value": ok}, {"MetricName": "Bad", "Timestamp": when, "Value": bad}])
    def stat(identifier, name, **more):
        return {"Id": identifier, "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": name}, "Period": 60, "Stat": "Sum"}, **more}
    def query(*queries, **more):
        return cloudwatch.get_metric_data(MetricDataQueries=list(queries), StartTime=at, EndTime=at + datetime.timedelta(minutes=5), **more)
    answer = query(stat("ok", "Ok"), stat("bad", "Bad", ReturnData=False),
                   {"Id": "share", "Expression": "100 * bad / (ok + bad)", "Label": "Failures"},
                   {"Id": "total", "Expression": "SUM(METRICS())"}, ScanBy="TimestampAscending")
    results = {r["Id"]: r for r in answer["MetricDataResults"]}
    assert results["ok"]["Values"] == [8, 9, 5] and results["ok"]["Label"] == "Ok"
    assert results["ok"]["Timestamps"][0] == at and results["ok"]["StatusCode"] == "Complete"
    assert results["share"]["Values"] == [20, 10, 0] and results["share"]["Label"] == "Failures"
    assert results["total"]["Values"] == [10, 10, 5]
    assert "bad" not in results
    assert query(stat("ok", "Ok"))["MetricDataResults"][0]["Values"] == [5, 9, 8]  # the newest first
    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[stat("ok", "Ok"), stat("bad", "Bad")], StartTime=at, EndTime=at + datetime.timedelta(minutes=5),
        MaxDatapoints=2, ScanBy="TimestampAscending"))
    assert [v for page in pages for r in page["MetricDataResults"] for v in r["Values"]] == [8, 9, 5, 2, 1, 0]
    with refused("ValidationError"):
        query({"Id": "e", "Expression": "nothing + 1"})
    with refused("ValidationError"):
        query({"Id": "e", "Expression": "1 +"})
    found = query({"Id": "s", "Expression": f"SEARCH('{{{namespace}}} MetricName=\"Ok\"', 'Sum', 60)"})["MetricDataResults"]
    assert [r["Values"] for r in found] == [[5, 9, 8]]


def test_bad_data_are_refused(cloudwatch, namespace, refused):
    def put(**datum):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", **datum}])
    with refused("InvalidParameterCombination"):
        put(Value=1, Values=[1])
    with refused("MissingParameter"):
        put()
    with refused("InvalidParameterValue"):
        put(Values=[1, 2], Counts=[1])
    with refused("InvalidParameterValue"):
        put(Value=1, Timestamp=minute(60 * 24 * 20))
    with refused("InvalidParameterValue"):
        put(Value=1, Dimensions=[{"Name": "A", "Value": "1"}, {"Name": "A", "Value": "2"}])
    with refused("InvalidParameterValue"):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "m", "Value": 1}])
    with refused("ValidationError"):
        put(Value=1, Dimensions=[{"Name": "x" * 256, "Value": "1"}])
    with refused("InvalidParameterCombination"):
        cloudwatch.get_metric_statistics(Namespace=namespace, MetricName="m", StartTime=minute(3000), EndTime=minute(), Period=60,
                                         Statistics=["Sum"])
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []


def wait_for_state(cloudwatch, name, state, seconds=40):
    until = time.monotonic() + seconds
    while True:
        alarms = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarm = (alarms["MetricAlarms"] + alarms["CompositeAlarms"])[0]
        if alarm["StateValue"] == state:
            return alarm
        assert time.monotonic() < until, alarm
        time.sleep(0.5)


def test_an_alarm_goes_off_and_back(cloudwatch, namespace, refused):
    name = namespace + "-alarm"
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace=namespace, MetricName="Load", Statistic="Maximum", Period=10, EvaluationPeriods=1, Threshold=5,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", Tags=[{"Key": "team", "Value": "x"}])
    alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert alarm["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"
    assert alarm["TreatMissingData"] == "notBreaching" and alarm["Period"] == 10
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == [{"Key": "team", "Value": "x"}]
    wait_for_state(cloudwatch, name, "OK")
    composite = name + "-all"
    cloudwatch.put_composite_alarm(AlarmName=composite, AlarmRule=f'ALARM("{name}")')
    wait_for_state(cloudwatch, composite, "OK")
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[
        {"MetricName": "Load", "Value": 9, "StorageResolution": 1,
         "Timestamp": datetime.datetime.now(datetime.timezone.utc)}])
    alarm = wait_for_state(cloudwatch, name, "ALARM")
    assert "1 out of the last 1 datapoint" in alarm["StateReason"] and "(5.0)" in alarm["StateReason"]
    assert json.loads(alarm["StateReasonData"])["recentDatapoints"] == [9.0]
    wait_for_state(cloudwatch, composite, "ALARM")
    with refused("ResourceConflict", status=409):
        cloudwatch.delete_alarms(AlarmNames=[name])
    wait_for_state(cloudwatch, name, "OK", 120)
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending")
    assert [h["HistorySummary"] for h in history["AlarmHistoryItems"]] == [
        "Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK"]
    cloudwatch.delete_alarms(AlarmNames=[composite, name])
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


def test_an_alarm_can_be_set_by_hand(cloudwatch, namespace, refused):
    name = namespace + "-alarm"
    cloudwatch.put_metric_alarm(
        AlarmName=name, EvaluationPeriods=3, DatapointsToAlarm=2, Threshold=1, ComparisonOperator="LessThanThreshold",
        TreatMissingData="ignore", ActionsEnabled=False,
        Metrics=[{"Id": "m1", "ReturnData": False,
                  "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": "Load"}, "Period": 60, "Stat": "p90"}},
                 {"Id": "e1", "Expression": "m1 * 2"}])
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    alarm = cloudwatch.describe_alarms(AlarmNamePrefix=namespace, StateValue="ALARM")["MetricAlarms"][0]
    assert alarm["StateReason"] == "by hand" and alarm["DatapointsToAlarm"] == 2
    assert alarm["Metrics"][1]["Expression"] == "m1 * 2" and not alarm["ActionsEnabled"]
    cloudwatch.enable_alarm_actions(AlarmNames=[name])
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["ActionsEnabled"]
    with refused("ResourceNotFound", status=404):
        cloudwatch.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="x")
    with refused("ValidationError"):
        cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(nobody)")
    with refused("ValidationError"):
        cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(")
    with refused("ValidationError"):
        cloudwatch.put_metric_alarm(AlarmName=name, Namespace=namespace, MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1,
                                    Threshold=1, ComparisonOperator="LessThanThreshold", TreatMissingData="sometimes")
    cloudwatch.delete_alarms(AlarmNames=[name])
    with refused("ResourceNotFound", status=404):
        cloudwatch.delete_alarms(AlarmNames=[name])


def put_quiet_alarm(cloudwatch, name, namespace):
    """One that changes by hand only."""
    cloudwatch.put_metric_alarm(AlarmName=name, Namespace=namespace, MetricName="none", Statistic="Sum", Period=60, Threshold=1,
                                EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="all is well", StateReasonData='{"so": 1}')


def test_a_change_of_state_is_an_event(server, cloudwatch, namespace):
    events, sqs = server.client("events"), server.client("sqs")
    name = namespace.replace("/", "-")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    put_quiet_alarm(cloudwatch, name, namespace)
    events.put_rule(Name=name, EventPattern=json.dumps({
        "source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}}}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    event = json.loads(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"])
    assert event["resources"] == [f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"]
    detail = event["detail"]
    assert detail["state"]["reason"] == "by hand" and detail["state"]["timestamp"].endswith("+0000")
    assert detail["previousState"]["value"] == "OK" and detail["previousState"]["reasonData"] == '{"so": 1}'
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"]["namespace"] == namespace
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)
    cloudwatch.delete_alarms(AlarmNames=[name])
    sqs.delete_queue(QueueUrl=url)


def test_a_suppressor_holds_the_actions_of_a_composite(cloudwatch, namespace, refused):
    hot, repairs, both = (f"{namespace}-{name}" for name in ("hot", "repairs", "both"))
    for name in (hot, repairs):
        put_quiet_alarm(cloudwatch, name, namespace)
    suppressor = {"ActionsSuppressor": repairs, "ActionsSuppressorWaitPeriod": 0, "ActionsSuppressorExtensionPeriod": 600}

    def described():
        return cloudwatch.describe_alarms(AlarmNames=[both], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]

    with refused("ValidationError"):
        cloudwatch.put_composite_alarm(AlarmName=both, AlarmRule=f'ALARM("{hot}")', ActionsSuppressor=repairs)
    with refused("ValidationError"):
        cloudwatch.put_composite_alarm(AlarmName=both, AlarmRule=f'ALARM("{hot}")', **{**suppressor, "ActionsSuppressor": "nobody"})
    cloudwatch.put_composite_alarm(AlarmName=both, AlarmRule=f'ALARM("{hot}")', AlarmActions=["arn:aws:sns:us-east-1:000000000000:none"],
                                   **suppressor)
    wait_for_state(cloudwatch, both, "OK")
    assert {key: described()[key] for key in suppressor} == suppressor | {
        "ActionsSuppressor": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{repairs}"}
    cloudwatch.set_alarm_state(AlarmName=repairs, StateValue="ALARM", StateReason="by hand")
    cloudwatch.set_alarm_state(AlarmName=hot, StateValue="ALARM", StateReason="by hand")
    assert described()["StateValue"] == "ALARM" and described()["ActionsSuppressedBy"] == "Alarm"
    cloudwatch.set_alarm_state(AlarmName=repairs, StateValue="OK", StateReason="by hand")
    until = time.monotonic() + 20
    while described()["ActionsSuppressedBy"] != "ExtensionPeriod":
        assert time.monotonic() < until
        time.sleep(0.2)
    # Nothing was tried with the topic that does not exist.
    history = cloudwatch.describe_alarm_history(AlarmName=both, AlarmTypes=["CompositeAlarm"], HistoryItemType="Action")
    assert history["AlarmHistoryItems"] == []
    cloudwatch.delete_alarms(AlarmNames=[both])
    cloudwatch.delete_alarms(AlarmNames=[hot, repairs])


def test_dashboards_are_kept(cloudwatch, refused):
    body = json.dumps({"widgets": []})
    cloudwatch.put_dashboard(DashboardName="photos", DashboardBody=body)
    assert cloudwatch.get_dashboard(DashboardName="photos")["DashboardBody"] == body
    entry = cloudwatch.list_dashboards(DashboardNamePrefix="pho")["DashboardEntries"][0]
    assert entry["DashboardName"] == "photos" and entry["Size"] == len(body)
    with refused("InvalidParameterInput"):
        cloudwatch.put_dashboard(DashboardName="photos", DashboardBody="no json")
    cloudwatch.delete_dashboards(DashboardNames=["photos"])
    with refused("ResourceNotFound", status=404):
        cloudwatch.get_dashboard(DashboardName="photos")


def test_json_and_forms_say_the_same(server, cloudwatch, namespace):
    status, headers, text = by_hand(server, json.dumps({"Namespace": namespace, "MetricData": [{"MetricName": "m", "Value": 2}]}),
                                    {"Content-Type": "application/x-amz-json-1.0",
                                     "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"})
    assert status == 200, text
    status, headers, text = by_hand(server, json.dumps({"MetricName": "m"}),
                                    {"Content-Type": "application/x-amz-json-1.0",
                                     "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"})
    assert status == 400 and headers["x-amzn-query-error"] == "ValidationError;Sender", text
    form = urllib.parse.urlencode({"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": namespace,
                                   "MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": "3",
                                   "MetricData.member.1.Dimensions.member.1.Name": "A",
                                   "MetricData.member.1.Dimensions.member.1.Value": "b"})
    status, headers, text = by_hand(server, form, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert status == 200, text
    form = urllib.parse.urlencode({"Action": "ListMetrics", "Version": "2010-08-01", "Namespace": namespace})
    status, headers, text = by_hand(server, form, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert status == 200 and text.count("<MetricName>m</MetricName>") == 2, text
    assert len(cloudwatch.list_metrics(Namespace=namespace)["Metrics"]) == 2


def test_calls_are_counted_in_the_namespaces_of_their_services(server, cloudwatch):
    rekognition = server.client()
    for _ in range(3):
        rekognition.list_collections()
    with pytest.raises(rekognition.exceptions.ResourceNotFoundException):
        rekognition.describe_collection(CollectionId="nobody-made-this")
    def total(name, operation):
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Rekognition", MetricName=name, Dimensions=[{"Name": "Operation", "Value": operation}],
            StartTime=minute(10), EndTime=minute(-2), Period=60, Statistics=["Sum"])["Datapoints"]
        return sum(p["Sum"] for p in points)
    until = time.monotonic() + 20
    while total("SuccessfulRequestCount", "ListCollections") < 3 or total("UserErrorCount", "DescribeCollection") < 1:
        assert time.monotonic() < until
        time.sleep(0.5)


def test_tables_and_faces_are_measured(server, cloudwatch):
    table, dynamodb = f"t{uuid.uuid4()}", server.client("dynamodb")
    dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    for name in ("a", "b"):
        dynamodb.put_item(TableName=table, Item={"id": {"S": name}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}}, ConditionExpression="attribute_not_exists(id)")
    dynamodb.scan(TableName=f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}")
    server.client().detect_faces(Image={"Bytes": photo("astronaut.png")})

    def total(namespace, name, statistic="Sum", **dimensions):
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace, MetricName=name, StartTime=minute(10), EndTime=minute(-2), Period=60, Statistics=[statistic],
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()])["Datapoints"]
        return sum(point[statistic] for point in points)

    until = time.monotonic() + 20
    while total("AWS/DynamoDB", "ReturnedItemCount", TableName=table, Operation="Scan") != 2:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert total("AWS/DynamoDB", "SuccessfulRequestLatency", "SampleCount", TableName=table, Operation="PutItem") == 2
    assert total("AWS/DynamoDB", "ConditionalCheckFailedRequests", TableName=table) == 1
    assert total("AWS/Rekognition", "DetectedFaceCount", Operation="DetectFaces") >= 1
    dynamodb.delete_table(TableName=table)


def test_requests_to_buckets_are_measured_where_that_is_asked(cloudwatch, s3, bucket, refused):
    def put(Id, **configuration):
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id=Id, MetricsConfiguration={"Id": Id, **configuration})

    s3.put_object(Bucket=bucket, Key="before", Body=b"not counted")
    put("everything")
    put("photos", Filter={"Prefix": "photos/"})
    with refused("NotImplemented", status=501):
        put("tagged", Filter={"Tag": {"Key": "a", "Value": "b"}})
    with refused("InvalidArgument"):
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id="a", MetricsConfiguration={"Id": "b"})
    assert s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"] == [
        {"Id": "everything"}, {"Id": "photos", "Filter": {"Prefix": "photos/"}}]
    assert s3.get_bucket_metrics_configuration(Bucket=bucket, Id="photos")["MetricsConfiguration"]["Filter"] == {"Prefix": "photos/"}
    for key in ("photos/a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    assert s3.get_object(Bucket=bucket, Key="photos/a")["Body"].read() == b"12345"
    with refused("NoSuchKey", status=404):
        s3.get_object(Bucket=bucket, Key="none")
    s3.list_objects_v2(Bucket=bucket)

    def total(name, id):
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/S3", MetricName=name, StartTime=minute(10), EndTime=minute(-2), Period=60, Statistics=["Sum"],
            Dimensions=[{"Name": "BucketName", "Value": bucket}, {"Name": "FilterId", "Value": id}])["Datapoints"]
        return sum(point["Sum"] for point in points)

    until = time.monotonic() + 20
    while total("ListRequests", "everything") != 1:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert [total(name, "everything") for name in ("PutRequests", "GetRequests", "4xxErrors", "BytesUploaded")] == [2, 2, 2, 10]
    assert [total(name, "photos") for name in ("PutRequests", "GetRequests", "4xxErrors", "BytesDownloaded", "AllRequests")] == \
        [1, 1, 0, 5, 2]
    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="photos")
    with refused("NoSuchConfiguration", status=404):
        s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="photos")
