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
