// Package roundtrip runs the AWS SDK for Go v2 against a running server: a round trip of each service. The endpoint, the
// region and the credentials come from the environment, as a user's would.
package roundtrip

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	rektypes "github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

var ctx = context.Background()

func load(t *testing.T) aws.Config {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano()) }

func document(statement map[string]any) *string {
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	return aws.String(string(text))
}

func TestIdentities(t *testing.T) {
	cfg := load(t)
	client := iam.NewFromConfig(cfg)
	name := aws.String(unique("go"))
	user := must(client.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/go/"),
		Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("blue + green")}}}))(t).User
	defer client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	key := must(client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}))(t).AccessKey
	defer client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: key.AccessKeyId})
	role := must(client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: document(
		map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": *user.Arn}, "Action": "sts:AssumeRole"})}))(t).Role
	defer client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	policy := document(map[string]any{"Effect": "Allow", "Action": "rekognition:ListCollections", "Resource": "*"})
	must(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: policy}))(t)
	defer client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: name})
	kept := must(client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: name}))(t)
	if text, _ := url.QueryUnescape(*kept.PolicyDocument); text != *policy {
		t.Errorf("the policy came back as %s", text)
	}
	if got := must(client.GetUser(ctx, &iam.GetUserInput{UserName: name}))(t).User; *got.Tags[0].Value != "blue + green" {
		t.Errorf("the tag came back as %q", *got.Tags[0].Value)
	}
	var missing *iamtypes.NoSuchEntityException
	if _, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("nobody")}); !errors.As(err, &missing) {
		t.Errorf("an unknown role: %v", err)
	}

	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKeyId, *key.SecretAccessKey, "")
	session := must(sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Arn,
		RoleSessionName: aws.String("go")}))(t).Credentials
	if until := time.Until(*session.Expiration); until < 50*time.Minute || until > 61*time.Minute {
		t.Errorf("the session expires in %v", until)
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*session.AccessKeyId, *session.SecretAccessKey,
		*session.SessionToken)
	if me := must(sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil))(t); !strings.HasSuffix(*me.Arn, "/go") {
		t.Errorf("the session is %s", *me.Arn)
	}
	faces := rekognition.NewFromConfig(cfg)
	must(faces.ListCollections(ctx, nil))(t)
	var denied *rektypes.AccessDeniedException
	if _, err := faces.CreateCollection(ctx, &rekognition.CreateCollectionInput{CollectionId: name}); !errors.As(err, &denied) {
		t.Errorf("what the session may not: %v", err)
	}
}

func TestCollections(t *testing.T) {
	client := rekognition.NewFromConfig(load(t))
	id := aws.String(unique("go"))
	must(client.CreateCollection(ctx, &rekognition.CreateCollectionInput{CollectionId: id}))(t)
	photo := must(os.ReadFile(os.Getenv("LIKENESS_PHOTOS") + "/astronaut.png"))(t)
	indexed := must(client.IndexFaces(ctx, &rekognition.IndexFacesInput{CollectionId: id,
		Image: &rektypes.Image{Bytes: photo}}))(t)
	if len(indexed.FaceRecords) != 1 || *indexed.FaceRecords[0].FaceDetail.Confidence < 99 {
		t.Errorf("%d faces were indexed", len(indexed.FaceRecords))
	}
	must(client.DeleteCollection(ctx, &rekognition.DeleteCollectionInput{CollectionId: id}))(t)
	var missing *rektypes.ResourceNotFoundException
	if _, err := client.DescribeCollection(ctx, &rekognition.DescribeCollectionInput{CollectionId: id}); !errors.As(err, &missing) {
		t.Errorf("a deleted collection: %v", err)
	}
}

func TestObjects(t *testing.T) {
	client := s3.NewFromConfig(load(t), func(o *s3.Options) { o.UsePathStyle = true })
	bucket, name := aws.String(unique("go")), aws.String("photos/a b+c.bin")
	must(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))(t)
	body := make([]byte, 300_000)
	_, _ = rand.Read(body)
	// A reader that cannot seek goes as chunks with a checksum behind them, over TLS; over http it has to seek.
	put := must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: name, Body: bytes.NewReader(body),
		Metadata: map[string]string{"taken": "today"}, ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256}))(t)
	got := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: name, ChecksumMode: s3types.ChecksumModeEnabled}))(t)
	back := must(io.ReadAll(got.Body))(t)
	if !bytes.Equal(back, body) || got.Metadata["taken"] != "today" || *got.ETag != *put.ETag {
		t.Errorf("the object came back differently: %d bytes, %v", len(back), got.Metadata)
	}
	signed := must(s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: name}))(t)
	answer := must(http.Get(signed.URL))(t)
	if again := must(io.ReadAll(answer.Body))(t); !bytes.Equal(again, body) {
		t.Errorf("the presigned URL answers %s", answer.Status)
	}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("photos/")})
	for pages.HasMorePages() {
		if page := must(pages.NextPage(ctx))(t); len(page.Contents) != 1 || *page.Contents[0].Key != *name {
			t.Errorf("the listing has %d keys", len(page.Contents))
		}
	}
	must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: name}))(t)
	var missing *s3types.NoSuchKey
	if _, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: name}); !errors.As(err, &missing) {
		t.Errorf("a deleted object: %v", err)
	}
	must(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}))(t)
}

func TestTables(t *testing.T) {
	client := dynamodb.NewFromConfig(load(t))
	table := aws.String(unique("go"))
	must(client.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: table, BillingMode: ddbtypes.BillingModePayPerRequest,
		StreamSpecification: &ddbtypes.StreamSpecification{StreamEnabled: aws.Bool(true),
			StreamViewType: ddbtypes.StreamViewTypeNewImage},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddbtypes.KeyTypeHash}},
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
	}))(t)
	if err := dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: table}, time.Minute); err != nil {
		t.Fatal(err)
	}
	number := "12345678901234567890123456789012345678"
	item := map[string]ddbtypes.AttributeValue{"id": &ddbtypes.AttributeValueMemberS{Value: "a"},
		"sum": &ddbtypes.AttributeValueMemberN{Value: number}, "photo": &ddbtypes.AttributeValueMemberB{Value: []byte{0, 255}}}
	put := &dynamodb.PutItemInput{TableName: table, Item: item, ConditionExpression: aws.String("attribute_not_exists(id)")}
	must(client.PutItem(ctx, put))(t)
	var failed *ddbtypes.ConditionalCheckFailedException
	if _, err := client.PutItem(ctx, put); !errors.As(err, &failed) {
		t.Errorf("a condition that does not hold: %v", err)
	}
	key := map[string]ddbtypes.AttributeValue{"id": item["id"]}
	got := must(client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: aws.Bool(true)}))(t).Item
	if sum := got["sum"].(*ddbtypes.AttributeValueMemberN).Value; sum != number {
		t.Errorf("the number came back as %s", sum)
	}
	if photo := got["photo"].(*ddbtypes.AttributeValueMemberB).Value; !bytes.Equal(photo, []byte{0, 255}) {
		t.Errorf("the bytes came back as %v", photo)
	}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: table, Limit: aws.Int32(1)})
	count := int32(0)
	for pages.HasMorePages() {
		count += must(pages.NextPage(ctx))(t).Count
	}
	if count != 1 {
		t.Errorf("the scan found %d items", count)
	}
	streams := dynamodbstreams.NewFromConfig(load(t))
	stream := must(streams.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{TableName: table}))(t).Streams[0].StreamArn
	var changes []streamtypes.OperationType
	for _, shard := range must(streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: stream}))(t).StreamDescription.Shards {
		at := must(streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: stream, ShardId: shard.ShardId,
			ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon}))(t).ShardIterator
		for _, record := range must(streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: at}))(t).Records {
			changes = append(changes, record.EventName)
		}
	}
	if len(changes) != 1 || changes[0] != streamtypes.OperationTypeInsert {
		t.Errorf("the stream tells of %v", changes)
	}
	must(client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: table}))(t)
	var missing *ddbtypes.ResourceNotFoundException
	if _, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key}); !errors.As(err, &missing) {
		t.Errorf("a deleted table: %v", err)
	}
}
