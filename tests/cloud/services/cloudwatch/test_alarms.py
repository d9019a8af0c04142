"""Alarms: they evaluate metrics, change their state, and send messages to topics and functions."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from support.refusals import refusal


def put_alarm(cloud, namespace, **more):
    """Create an alarm on the metric m that goes off at values above 20; return its name."""
    name = f"alarm-{uuid.uuid4().hex}"
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        **{
            "Namespace": namespace,
            "MetricName": "m",
            "Statistic": "Average",
            "Period": 10,
            "EvaluationPeriods": 1,
            "Threshold": 20,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore",
            **more,
        },
    )
    return name


def described(cloud, name):
    types = ["MetricAlarm", "CompositeAlarm"]
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=types)
    return [*found["MetricAlarms"], *found["CompositeAlarms"]][0]


def wait_for_state(cloud, name, state):
    end = time.monotonic() + 120
    while (alarm := described(cloud, name))["StateValue"] != state and time.monotonic() < end:
        time.sleep(0.2)
    assert alarm["StateValue"] == state
    return alarm


@pytest.fixture
def namespace():
    return f"Tests/{uuid.uuid4().hex}"


@pytest.fixture
def topic(cloud, make_queue):
    """A topic and a queue that receives its messages."""
    sns, queue = cloud.client("sns"), make_queue()
    arn = sns.create_topic(Name=f"alarms-{uuid.uuid4().hex}")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
    return arn, queue


def test_a_new_alarm_has_the_members_that_aws_returns(cloud, namespace):
    alarm = described(cloud, put_alarm(cloud, namespace))
    assert (alarm["StateValue"], alarm["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert alarm["ActionsEnabled"] is True
    for empty in ("Dimensions", "OKActions", "AlarmActions", "InsufficientDataActions"):
        assert alarm[empty] == []


def test_an_alarm_goes_off_at_values_beyond_its_threshold(cloud, namespace, topic):
    arn, queue = topic
    name = put_alarm(cloud, namespace, AlarmActions=[arn])
    data = [{"MetricName": "m", "Value": value} for value in (21, 22)]
    cloud.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
    alarm = wait_for_state(cloud, name, "ALARM")
    assert alarm["StateReason"].startswith("Threshold Crossed: 1 datapoint [")
    assert alarm["StateReason"].endswith("was greater than the threshold (20.0).")
    (evaluated,) = json.loads(alarm["StateReasonData"])["evaluatedDatapoints"]
    assert evaluated["sampleCount"] in (1, 2)  # a period may end between the two values
    (body,) = queue.bodies(1)
    envelope = json.loads(body)
    assert envelope["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    message = json.loads(envelope["Message"])
    assert (message["NewStateValue"], message["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert (message["Trigger"]["Statistic"], message["Trigger"]["Threshold"]) == ("AVERAGE", 20)
    history = cloud.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    (item,) = history["AlarmHistoryItems"]
    assert item["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


@pytest.mark.parametrize(
    ("treatment", "state", "reason"),
    [
        (
            "breaching",
            "ALARM",
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as"
            " [Breaching].",
        ),
        (
            "notBreaching",
            "OK",
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as"
            " [NonBreaching].",
        ),
    ],
)
def test_missing_data_is_treated_as_the_alarm_says(cloud, namespace, treatment, state, reason):
    name = put_alarm(cloud, namespace, TreatMissingData=treatment, EvaluationPeriods=2)
    assert wait_for_state(cloud, name, state)["StateReason"] == reason


def test_a_function_is_invoked_with_the_states_of_an_alarm(cloud, namespace, make_forwarder, make_queue):
    queue = make_queue()
    name = put_alarm(cloud, namespace, AlarmActions=[make_forwarder(queue)], AlarmDescription="why")
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="testing")
    (body,) = queue.bodies(1)
    event = json.loads(body)
    data = event["alarmData"]
    assert (event["source"], data["alarmName"]) == ("aws.cloudwatch", name)
    assert (data["state"]["value"], data["state"]["reason"]) == ("ALARM", "testing")
    assert data["previousState"]["value"] == "INSUFFICIENT_DATA"
    (metric,) = data["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": namespace, "name": "m", "dimensions": {}},
        "period": 10,
        "stat": "Average",
    }


def test_actions_that_are_disabled_are_not_performed(cloud, namespace, topic):
    arn, queue = topic
    client = cloud.client("cloudwatch")
    name = put_alarm(cloud, namespace, AlarmActions=[arn], OKActions=[arn])
    client.disable_alarm_actions(AlarmNames=[name])
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="silent")
    client.enable_alarm_actions(AlarmNames=[name])
    client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="loud")
    (body,) = queue.bodies(1)
    assert json.loads(json.loads(body)["Message"])["NewStateReason"] == "loud"


def test_a_composite_alarm_follows_the_alarms_in_its_rule(cloud, namespace):
    client = cloud.client("cloudwatch")
    one, two = put_alarm(cloud, namespace), put_alarm(cloud, namespace)
    name = f"composite-{uuid.uuid4().hex}"
    client.put_composite_alarm(AlarmName=name, AlarmRule=f'ALARM("{one}") AND NOT ALARM({two})')
    assert wait_for_state(cloud, name, "OK")
    client.set_alarm_state(AlarmName=one, StateValue="ALARM", StateReason="x")
    alarm = wait_for_state(cloud, name, "ALARM")
    (triggering,) = json.loads(alarm["StateReasonData"])["triggeringAlarms"]
    assert (triggering["arn"], triggering["state"]["value"]) == (described(cloud, one)["AlarmArn"], "ALARM")
    assert refusal(client.delete_alarms, AlarmNames=[one])[0].startswith("Validation")
    unknown = refusal(client.put_composite_alarm, AlarmName="c", AlarmRule="ALARM(unknown-alarm)")
    assert "unknown-alarm" in unknown[2]


def test_an_alarm_on_an_expression_is_evaluated(cloud, namespace):
    metric = {"Metric": {"Namespace": namespace, "MetricName": "m"}, "Period": 10, "Stat": "Sum"}
    name = f"alarm-{uuid.uuid4().hex}"
    client = cloud.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=name,
        Metrics=[{"Id": "m1", "MetricStat": metric, "ReturnData": False}, {"Id": "e1", "Expression": "m1 * 10"}],
        EvaluationPeriods=1,
        Threshold=30,
        ComparisonOperator="LessThanThreshold",
    )
    client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", "Value": 2}])
    wait_for_state(cloud, name, "ALARM")


def test_missing_alarms_and_unsupported_settings_are_reported(cloud, namespace):
    client = cloud.client("cloudwatch")
    params = {"AlarmName": "missing-alarm", "StateValue": "OK", "StateReason": "x"}
    assert refusal(client.set_alarm_state, **params) == ("ResourceNotFound", 404, "")
    unknown = refusal(client.set_alarm_state, **{**params, "StateValue": "INVALID"})
    assert unknown[2].endswith("Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]")
    client.delete_alarms(AlarmNames=["missing-alarm"])
    with pytest.raises(Exception, match="LessThanLowerThreshold"):
        put_alarm(cloud, namespace, ComparisonOperator="LessThanLowerThreshold")


def test_tags_of_alarms_are_kept_until_the_alarm_is_deleted(cloud, namespace):
    client = cloud.client("cloudwatch")
    name = put_alarm(cloud, namespace, Tags=[{"Key": "env", "Value": "test"}])
    arn = described(cloud, name)["AlarmArn"]
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}])
    client.untag_resource(ResourceARN=arn, TagKeys=["env"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    client.delete_alarms(AlarmNames=[name])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_dashboards_are_stored(cloud):
    client, name = cloud.client("cloudwatch"), f"dashboard-{uuid.uuid4().hex}"
    client.put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
    assert client.get_dashboard(DashboardName=name)["DashboardBody"] == '{"widgets": []}'
    (listed,) = client.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    assert listed["Size"] == 15
    client.delete_dashboards(DashboardNames=[name])
    assert refusal(client.get_dashboard, DashboardName=name)[1] == 404
    assert refusal(client.put_dashboard, DashboardName="a b", DashboardBody="{}")[0] == "InvalidParameterValue"


@pytest.fixture
def events(cloud, make_queue):
    """A function that returns a queue which receives the events of one alarm from EventBridge."""
    client, rules = cloud.client("events"), []

    def receive(name):
        queue, rule = make_queue(), f"alarms-{uuid.uuid4().hex}"
        pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}
        client.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        client.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue.arn}])
        rules.append(rule)
        return queue

    yield receive
    for rule in rules:
        client.remove_targets(Rule=rule, Ids=["queue"])
        client.delete_rule(Name=rule)


def test_a_change_of_state_is_an_event(cloud, namespace, events):
    name = put_alarm(cloud, namespace, AlarmDescription="why")
    queue = events(name)
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue="ALARM", StateReason="testing", StateReasonData='{"a": 1}'
    )
    (body,) = queue.bodies(1)
    event = json.loads(body)
    assert (event["detail-type"], event["source"]) == ("CloudWatch Alarm State Change", "aws.cloudwatch")
    assert event["resources"] == [described(cloud, name)["AlarmArn"]]
    state, before = event["detail"]["state"], event["detail"]["previousState"]
    assert (state["value"], state["reason"], state["reasonData"]) == ("ALARM", "testing", '{"a": 1}')
    assert (before["value"], before["reason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    (metric,) = event["detail"]["configuration"].pop("metrics")
    assert event["detail"]["configuration"] == {"description": "why"}
    assert (metric["metricStat"]["stat"], metric["returnData"]) == ("Average", True)


def test_changes_of_an_alarms_configuration_are_events(cloud, namespace, events):
    name = put_alarm(cloud, namespace)
    client, queue = cloud.client("cloudwatch"), events(name)
    composite = {"AlarmName": name, "AlarmRule": "FALSE"}
    assert refusal(client.put_composite_alarm, **composite)[0].startswith("Validation")
    client.put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=3,
        ComparisonOperator="LessThanThreshold",
    )
    client.delete_alarms(AlarmNames=[name])
    update, delete = sorted(
        (json.loads(body) for body in queue.bodies(2)), key=lambda each: each["detail"]["operation"], reverse=True
    )
    assert {update["detail-type"], delete["detail-type"]} == {"CloudWatch Alarm Configuration Change"}
    assert (update["detail"]["operation"], delete["detail"]["operation"]) == ("update", "delete")
    configuration = update["detail"]["configuration"]
    assert (configuration["alarmName"], configuration["evaluationPeriods"], configuration["threshold"]) == (name, 2, 3)
    assert (configuration["okActions"], configuration["actionsEnabled"]) == ([], True)
    assert update["detail"]["previousConfiguration"]["threshold"] == 20
    assert update["detail"]["state"]["value"] == "INSUFFICIENT_DATA"


def test_an_alarm_on_several_metrics_has_no_members_of_a_single_metric(cloud, namespace):
    metric = {"Metric": {"Namespace": namespace, "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    given = {
        "AlarmName": "both",
        "Metrics": [{"Id": "m1", "MetricStat": metric}],
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
    }
    single = {"Statistic": "Sum", "ExtendedStatistic": "p50", "Period": 60, "Unit": "Count", "Dimensions": []}
    for member, value in single.items():
        code, _, message = refusal(cloud.client("cloudwatch").put_metric_alarm, **given, **{member: value})
        assert code.startswith("Validation")
        assert message == f"{member} should not be set if list of Metrics is set."


def test_a_message_names_the_statistic_and_says_that_no_mute_rule_delayed_it(cloud, namespace, topic):
    arn, queue = topic
    name = put_alarm(cloud, namespace, AlarmActions=[arn], Statistic="SampleCount")
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="testing")
    (body,) = queue.bodies(1)
    message = json.loads(json.loads(body)["Message"])
    assert message["ActionExecutedAfterMuteWindow"] is False
    assert (message["Trigger"]["Statistic"], message["Trigger"]["Unit"]) == ("SAMPLE_COUNT", None)


def test_a_list_of_alarms_has_no_log_alarms(cloud):
    found = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"none-{uuid.uuid4().hex}")
    assert (found["MetricAlarms"], found["LogAlarms"]) == ([], [])
