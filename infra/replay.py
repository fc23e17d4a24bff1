"""Sends what the dead-letter queues hold through once more (AWS China has no redrive of its own).

notice-dlq goes back to the notice queue. relay-dlq holds where in the table's stream a batch failed, or a whole record:
event-relay gets those records again. What still fails stays where it is. PREFIX names the desk, as in deploy.py.
"""

import base64
import json
import os
import sys

import boto3

PREFIX = os.environ.get("PREFIX", "menzhen")
BATCH = 10
# Long enough to send the batch on; a crash before the deletion shows the messages again after it.
HIDE_S = 120
STREAM_PAGES_MAX = 1000


def messages(sqs, queue_url):
    """Each message once; those not deleted reappear after HIDE_S, in another run."""
    seen = set()
    while True:
        batch = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=BATCH, VisibilityTimeout=HIDE_S, WaitTimeSeconds=1)
        fresh = [message for message in batch.get("Messages", []) if message["MessageId"] not in seen]
        if not fresh:
            return
        for message in fresh:
            seen.add(message["MessageId"])
            yield message


def replay_notices(sqs, outputs):
    moved = 0
    for message in messages(sqs, outputs["NoticeDlqUrl"]):
        sqs.send_message(QueueUrl=outputs["NoticeQueueUrl"], MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=outputs["NoticeDlqUrl"], ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    return moved, 0


def as_lambda_sees(value):
    """A record of the streams API in the JSON that a function gets: binary as base64, times as epoch seconds."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "timestamp"):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: as_lambda_sees(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [as_lambda_sees(inner) for inner in value]
    return value


def stream_records(batch):
    """The records between two sequence numbers, or fewer when the stream (24 hours) no longer has them."""
    streams = boto3.client("dynamodbstreams")
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=batch["streamArn"], ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=batch["startSequenceNumber"])["ShardIterator"]
    except (streams.exceptions.TrimmedDataAccessException, streams.exceptions.ResourceNotFoundException):
        return []
    found, last = [], int(batch["endSequenceNumber"])
    for _ in range(STREAM_PAGES_MAX):
        if iterator is None:
            break
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return found
            found.append({**as_lambda_sees(record), "eventSourceARN": batch["streamArn"]})
        if found and int(found[-1]["dynamodb"]["SequenceNumber"]) >= last:
            break
        iterator = page.get("NextShardIterator")
    return found


def relay(records):
    """Whether event-relay took all of them."""
    answer = boto3.client("lambda").invoke(
        FunctionName=f"{PREFIX}-event-relay", Qualifier="live", Payload=json.dumps({"Records": records}))
    result = json.loads(answer["Payload"].read() or b"null")
    return not answer.get("FunctionError") and not (result or {}).get("batchItemFailures")


def replay_records(sqs, outputs):
    moved = kept = 0
    for message in messages(sqs, outputs["RelayDlqUrl"]):
        body = json.loads(message["Body"])
        records = stream_records(body["DDBStreamBatchInfo"]) if "DDBStreamBatchInfo" in body else [body]
        if not records:
            print(f"relay-dlq: the stream no longer holds the records of message {message['MessageId']}", file=sys.stderr)
        if records and relay(records):
            sqs.delete_message(QueueUrl=outputs["RelayDlqUrl"], ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        else:
            kept += 1
    return moved, kept


def main():
    sqs = boto3.client("sqs")
    stack = boto3.client("cloudformation").describe_stacks(StackName=f"{PREFIX}-foundation")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    kept_in_all = 0
    for name, replay in (("notice-dlq", replay_notices), ("relay-dlq", replay_records)):
        moved, kept = replay(sqs, outputs)
        kept_in_all += kept
        print(f"{name}: {moved} sent through again, {kept} left")
    sys.exit(1 if kept_in_all else 0)


if __name__ == "__main__":
    main()
