"""Where a service model is not what the service (or RE2) takes. Keyed by service, then by shape or operation.

Each entry says why; the generator fails on an entry that names nothing, so that a new model cannot leave one behind.
"""


def _sqs_error(code, status=400):
    return {"error": {"code": "AWS.SimpleQueueService." + code if code[0] != "=" else code[1:], "httpStatusCode": status}}


# {service: {shape: {key: new value or None to drop it}}}
SHAPES = {
    # The model speaks JSON only. What the query protocol calls things is in its older form of October 2023; errors in
    # JSON have those codes too, in a header.
    "sqs": {
        # Unknown names have an error of the service's own.
        "QueueAttributeName": {"enum": None},
        "MessageSystemAttributeName": {"enum": None},
        "MessageSystemAttributeNameForSends": {"enum": None},
        "QueueAttributeMap": {"key": {"shape": "QueueAttributeName", "locationName": "Name"},
                              "value": {"shape": "String", "locationName": "Value"}},
        "TagMap": {"key": {"shape": "TagKey", "locationName": "Key"},
                   "value": {"shape": "TagValue", "locationName": "Value"}},
        "MessageBodyAttributeMap": {"key": {"shape": "String", "locationName": "Name"},
                                    "value": {"shape": "MessageAttributeValue", "locationName": "Value"}},
        "MessageBodySystemAttributeMap": {
            "key": {"shape": "MessageSystemAttributeNameForSends", "locationName": "Name"},
            "value": {"shape": "MessageSystemAttributeValue", "locationName": "Value"}},
        "MessageSystemAttributeMap": {"key": {"shape": "MessageSystemAttributeName", "locationName": "Name"},
                                      "value": {"shape": "String", "locationName": "Value"}},
        "BatchEntryIdsNotDistinct": _sqs_error("BatchEntryIdsNotDistinct"),
        "BatchRequestTooLong": _sqs_error("BatchRequestTooLong"),
        "EmptyBatchRequest": _sqs_error("EmptyBatchRequest"),
        "InvalidBatchEntryId": _sqs_error("InvalidBatchEntryId"),
        "MessageNotInflight": {**_sqs_error("MessageNotInflight"), "members": {"message": {"shape": "ExceptionMessage"}}},
        "PurgeQueueInProgress": _sqs_error("PurgeQueueInProgress", 403),
        "QueueDeletedRecently": _sqs_error("QueueDeletedRecently"),
        "QueueDoesNotExist": _sqs_error("NonExistentQueue"),
        "QueueNameExists": _sqs_error("=QueueAlreadyExists"),
        "TooManyEntriesInBatchRequest": _sqs_error("TooManyEntriesInBatchRequest"),
        "UnsupportedOperation": _sqs_error("UnsupportedOperation"),
        "OverLimit": _sqs_error("=OverLimit", 403),
        "RequestThrottled": _sqs_error("=RequestThrottled", 403),
        "ReceiptHandleIsInvalid": _sqs_error("=ReceiptHandleIsInvalid", 404),
        "ResourceNotFoundException": _sqs_error("=ResourceNotFoundException", 404),
        "InvalidAttributeName": _sqs_error("=InvalidAttributeName"),
        "InvalidAttributeValue": _sqs_error("=InvalidAttributeValue"),
        "InvalidMessageContents": _sqs_error("=InvalidMessageContents"),
        "InvalidAddress": _sqs_error("=InvalidAddress", 404),
        "InvalidSecurity": _sqs_error("=InvalidSecurity", 403),
    },
    # The order in which the service lists them where a request has none of them.
    "dynamodb": {
        "Select": {"enum": ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"]},
        "ReturnConsumedCapacity": {"enum": ["INDEXES", "TOTAL", "NONE"]},
        "ReturnItemCollectionMetrics": {"enum": ["SIZE", "NONE"]},
        "ReturnValue": {"enum": ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]},
        "ConditionalOperator": {"enum": ["OR", "AND"]},
        "ScalarAttributeType": {"enum": ["B", "N", "S"]},
        "ProjectionType": {"enum": ["ALL", "INCLUDE", "KEYS_ONLY"]},
    },
}

# {service: {key of the model's metadata: value}}
METADATA = {
    "sqs": {"protocols": ["json", "query"], "xmlNamespace": {"uri": "http://queue.amazonaws.com/doc/2012-11-05/"}},
}

# Names of members in forms and their XML, where they are not those of JSON: {service: {shape: {member: name}}}.
_SQS_MESSAGE = {"MessageAttributes": "MessageAttribute", "MessageSystemAttributes": "MessageSystemAttribute"}
_SQS_LISTS = {"StringListValues": "StringListValue", "BinaryListValues": "BinaryListValue"}
_SQS_FAILED = "BatchResultErrorEntry"
QUERY_NAMES = {
    "sqs": {
        "AddPermissionRequest": {"AWSAccountIds": "AWSAccountId", "Actions": "ActionName"},
        "ChangeMessageVisibilityBatchRequest": {"Entries": "ChangeMessageVisibilityBatchRequestEntry"},
        "ChangeMessageVisibilityBatchResult": {"Successful": "ChangeMessageVisibilityBatchResultEntry",
                                               "Failed": _SQS_FAILED},
        "CreateQueueRequest": {"Attributes": "Attribute", "tags": "Tag"},
        "DeleteMessageBatchRequest": {"Entries": "DeleteMessageBatchRequestEntry"},
        "DeleteMessageBatchResult": {"Successful": "DeleteMessageBatchResultEntry", "Failed": _SQS_FAILED},
        "GetQueueAttributesRequest": {"AttributeNames": "AttributeName"},
        "GetQueueAttributesResult": {"Attributes": "Attribute"},
        "ListDeadLetterSourceQueuesResult": {"queueUrls": "QueueUrl"},
        "ListMessageMoveTasksResult": {"Results": "ListMessageMoveTasksResultEntry"},
        "ListQueueTagsResult": {"Tags": "Tag"},
        "ListQueuesResult": {"QueueUrls": "QueueUrl"},
        "Message": {"Attributes": "Attribute", "MessageAttributes": "MessageAttribute"},
        "MessageAttributeValue": _SQS_LISTS,
        "MessageSystemAttributeValue": _SQS_LISTS,
        "ReceiveMessageRequest": {"AttributeNames": "AttributeName", "MessageAttributeNames": "MessageAttributeName",
                                  "MessageSystemAttributeNames": "MessageSystemAttributeName"},
        "ReceiveMessageResult": {"Messages": "Message"},
        "SendMessageBatchRequest": {"Entries": "SendMessageBatchRequestEntry"},
        "SendMessageBatchRequestEntry": _SQS_MESSAGE,
        "SendMessageBatchResult": {"Successful": "SendMessageBatchResultEntry", "Failed": _SQS_FAILED},
        "SendMessageRequest": _SQS_MESSAGE,
        "SetQueueAttributesRequest": {"Attributes": "Attribute"},
        "TagQueueRequest": {"Tags": "Tag"},
        "UntagQueueRequest": {"TagKeys": "TagKey"},
    },
}

# Services whose providers answer for what a request lacks, as they do not say it in the framework's words.
PROVIDER_REQUIRES = {"sqs"}

# Operations that need no credentials although the model does not say so: those of links in mails.
UNSIGNED = {"sns": ("ConfirmSubscription", "Unsubscribe")}

# The namespace of what a service writes, where the model has it on inputs only.
NAMESPACES = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}

# The root elements of answers, which the models leave to the reader's guess. From the examples of the S3 API Reference.
OUTPUT_ROOTS = {
    "s3": {
        "CompleteMultipartUpload": "CompleteMultipartUploadResult",
        "CreateMultipartUpload": "InitiateMultipartUploadResult",
        "CreateSession": "CreateSessionResult",
        "DeleteObjects": "DeleteResult",
        "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
        "GetBucketAcl": "AccessControlPolicy",
        "GetBucketCors": "CORSConfiguration",
        "GetBucketLifecycle": "LifecycleConfiguration",
        "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
        "GetBucketLocation": "LocationConstraint",
        "GetBucketLogging": "BucketLoggingStatus",
        "GetBucketNotification": "NotificationConfiguration",
        "GetBucketNotificationConfiguration": "NotificationConfiguration",
        "GetBucketRequestPayment": "RequestPaymentConfiguration",
        "GetBucketTagging": "Tagging",
        "GetBucketVersioning": "VersioningConfiguration",
        "GetBucketWebsite": "WebsiteConfiguration",
        "GetObjectAcl": "AccessControlPolicy",
        "GetObjectAttributes": "GetObjectAttributesResponse",
        "GetObjectTagging": "Tagging",
        "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
        "ListBucketIntelligentTieringConfigurations": "ListBucketIntelligentTieringConfigurationsOutput",
        "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
        "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
        "ListBuckets": "ListAllMyBucketsResult",
        "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
        "ListMultipartUploads": "ListMultipartUploadsResult",
        "ListObjectVersions": "ListVersionsResult",
        "ListObjects": "ListBucketResult",
        "ListObjectsV2": "ListBucketResult",
        "ListParts": "ListPartsResult",
    },
}

# Patterns with what RE2 lacks, said otherwise.
PATTERNS = {
    # No two dashes in a row; the length has bounds of its own.
    r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$": r"^[a-z0-9](-?[a-z0-9])+$",
}
