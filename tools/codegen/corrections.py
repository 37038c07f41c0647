"""Where a service model is not what the service (or RE2) takes. Keyed by service, then by shape or operation.

Each entry says why; the generator fails on an entry that names nothing, so that a new model cannot leave one behind.
"""

# {service: {shape: {key: new value or None to drop it}}}
SHAPES = {
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

# Operations that need no credentials although the model does not say so.
UNSIGNED = {}

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
