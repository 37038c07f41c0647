import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.ShardIteratorType;
import software.amazon.awssdk.services.dynamodb.model.StreamViewType;
import software.amazon.awssdk.services.dynamodb.streams.DynamoDbStreamsClient;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.NoSuchEntityException;
import software.amazon.awssdk.services.rekognition.RekognitionClient;
import software.amazon.awssdk.services.rekognition.model.AccessDeniedException;
import software.amazon.awssdk.services.rekognition.model.ResourceNotFoundException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.services.sts.StsClient;

/**
 * A round trip of each service with the AWS SDK for Java v2 against a running server. The endpoint, the region and the
 * credentials come from the environment, as a user's would. Prints a line for each; the first thing that is wrong ends it.
 */
public final class RoundTrip {
  private static final String NAME = "java-" + System.nanoTime();

  public static void main(String[] words) throws Exception {
    identities();
    collections();
    objects();
    tables();
  }

  private static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  private static <E extends Exception> E refused(Class<E> kind, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException error) {
      if (kind.isInstance(error)) return kind.cast(error);
      throw error;
    }
    throw new AssertionError("expected " + kind.getSimpleName());
  }

  private static String document(String statement) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":[" + statement + "]}";
  }

  private static void identities() {
    try (IamClient iam = IamClient.builder().region(Region.AWS_GLOBAL).build()) {
      var user = iam.createUser(r -> r.userName(NAME).path("/java/").tags(t -> t.key("team").value("blue + green"))).user();
      var key = iam.createAccessKey(r -> r.userName(NAME)).accessKey();
      var role = iam.createRole(r -> r.roleName(NAME).assumeRolePolicyDocument(document(
          "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" + user.arn() + "\"},\"Action\":\"sts:AssumeRole\"}"))).role();
      String policy = document("{\"Effect\":\"Allow\",\"Action\":\"rekognition:ListCollections\",\"Resource\":\"*\"}");
      iam.putRolePolicy(r -> r.roleName(NAME).policyName("list").policyDocument(policy));
      var kept = iam.getRolePolicy(r -> r.roleName(NAME).policyName("list")).policyDocument();
      check(URLDecoder.decode(kept, StandardCharsets.UTF_8).equals(policy), "the policy came back as " + kept);
      check(iam.getUser(r -> r.userName(NAME)).user().tags().get(0).value().equals("blue + green"), "the tag");
      refused(NoSuchEntityException.class, () -> iam.getRole(r -> r.roleName("nobody")));
      sessions(AwsBasicCredentials.create(key.accessKeyId(), key.secretAccessKey()), role.arn());
      iam.deleteRolePolicy(r -> r.roleName(NAME).policyName("list"));
      iam.deleteRole(r -> r.roleName(NAME));
      iam.deleteAccessKey(r -> r.userName(NAME).accessKeyId(key.accessKeyId()));
      iam.deleteUser(r -> r.userName(NAME));
    }
    System.out.println("iam, sts");
  }

  private static void sessions(AwsCredentials user, String role) {
    AwsSessionCredentials session;
    try (StsClient sts = StsClient.builder().credentialsProvider(StaticCredentialsProvider.create(user)).build()) {
      var issued = sts.assumeRole(r -> r.roleArn(role).roleSessionName("java")).credentials();
      var left = Duration.between(Instant.now(), issued.expiration());
      check(left.toMinutes() >= 50 && left.toMinutes() <= 60, "the session ends in " + left);
      session = AwsSessionCredentials.create(issued.accessKeyId(), issued.secretAccessKey(), issued.sessionToken());
    }
    var provider = StaticCredentialsProvider.create(session);
    try (StsClient sts = StsClient.builder().credentialsProvider(provider).build();
        RekognitionClient faces = RekognitionClient.builder().credentialsProvider(provider).build()) {
      check(sts.getCallerIdentity().arn().endsWith("/java"), "the session's name");
      check(faces.listCollections().hasCollectionIds(), "the list of collections");
      refused(AccessDeniedException.class, () -> faces.createCollection(r -> r.collectionId(NAME)));
    }
  }

  private static void collections() throws Exception {
    byte[] photo = Files.readAllBytes(Path.of(System.getenv("LIKENESS_PHOTOS"), "astronaut.png"));
    try (RekognitionClient faces = RekognitionClient.create()) {
      faces.createCollection(r -> r.collectionId(NAME).tags(Map.of("team", "blue")));
      var indexed = faces.indexFaces(r -> r.collectionId(NAME).image(i -> i.bytes(SdkBytes.fromByteArray(photo))));
      check(indexed.faceRecords().size() == 1, "one face");
      check(indexed.faceRecords().get(0).faceDetail().confidence() > 99, "its confidence");
      faces.deleteCollection(r -> r.collectionId(NAME));
      refused(ResourceNotFoundException.class, () -> faces.describeCollection(r -> r.collectionId(NAME)));
    }
    System.out.println("rekognition");
  }

  private static void objects() throws Exception {
    byte[] body = new byte[300_000];
    new Random(1).nextBytes(body);
    String key = "photos/a b+c.bin";
    try (S3Client s3 = S3Client.builder().forcePathStyle(true).build()) {
      s3.createBucket(r -> r.bucket(NAME));
      // Goes as signed chunks, with a checksum behind them.
      var put = s3.putObject(r -> r.bucket(NAME).key(key).metadata(Map.of("taken", "today")), RequestBody.fromBytes(body));
      var got = s3.getObjectAsBytes(r -> r.bucket(NAME).key(key).checksumMode(ChecksumMode.ENABLED));
      check(Arrays.equals(got.asByteArray(), body), "the object's bytes");
      check(got.response().metadata().get("taken").equals("today"), "its metadata");
      check(got.response().eTag().equals(put.eTag()), "its ETag");
      try (S3Presigner presigner = S3Presigner.builder().s3Client(s3).build()) {
        var url = presigner.presignGetObject(
            r -> r.signatureDuration(Duration.ofMinutes(5)).getObjectRequest(o -> o.bucket(NAME).key(key))).url();
        try (var in = url.openStream()) {
          check(Arrays.equals(in.readAllBytes(), body), "the presigned URL");
        }
      }
      check(s3.listObjectsV2Paginator(r -> r.bucket(NAME).prefix("photos/")).contents().stream()
          .map(o -> o.key()).toList().equals(List.of(key)), "the listing");
      s3.deleteObject(r -> r.bucket(NAME).key(key));
      refused(NoSuchKeyException.class, () -> s3.getObjectAsBytes(r -> r.bucket(NAME).key(key)));
      s3.deleteBucket(r -> r.bucket(NAME));
    }
    System.out.println("s3");
  }

  private static void tables() {
    String number = "12345678901234567890123456789012345678";
    var item = Map.of("id", AttributeValue.fromS("a"), "sum", AttributeValue.fromN(number), "photo",
        AttributeValue.fromB(SdkBytes.fromByteArray(new byte[] {0, -1})));
    var key = Map.of("id", AttributeValue.fromS("a"));
    try (DynamoDbClient client = DynamoDbClient.create()) {
      client.createTable(r -> r.tableName(NAME).billingMode(BillingMode.PAY_PER_REQUEST)
          .keySchema(k -> k.attributeName("id").keyType(KeyType.HASH))
          .streamSpecification(s -> s.streamEnabled(true).streamViewType(StreamViewType.NEW_IMAGE))
          .attributeDefinitions(a -> a.attributeName("id").attributeType(ScalarAttributeType.S)));
      client.waiter().waitUntilTableExists(r -> r.tableName(NAME));
      client.putItem(r -> r.tableName(NAME).item(item));
      refused(ConditionalCheckFailedException.class,
          () -> client.putItem(r -> r.tableName(NAME).item(item).conditionExpression("attribute_not_exists(id)")));
      check(client.getItem(r -> r.tableName(NAME).key(key).consistentRead(true)).item().equals(item), "the item");
      check(client.scanPaginator(r -> r.tableName(NAME).limit(1)).items().stream().count() == 1, "the scan");
      check(changes().equals(List.of("INSERT")), "the stream");
      client.deleteTable(r -> r.tableName(NAME));
      refused(software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException.class,
          () -> client.getItem(r -> r.tableName(NAME).key(key)));
    }
    System.out.println("dynamodb, dynamodbstreams");
  }

  private static List<String> changes() {
    List<String> names = new ArrayList<>();
    try (DynamoDbStreamsClient streams = DynamoDbStreamsClient.create()) {
      String stream = streams.listStreams(r -> r.tableName(NAME)).streams().get(0).streamArn();
      for (var shard : streams.describeStream(r -> r.streamArn(stream)).streamDescription().shards()) {
        String iterator = streams.getShardIterator(r -> r.streamArn(stream).shardId(shard.shardId())
            .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator();
        for (var change : streams.getRecords(r -> r.shardIterator(iterator)).records()) names.add(change.eventNameAsString());
      }
    }
    return names;
  }
}
