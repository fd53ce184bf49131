// Calls operations through aws-dax-go, of the AWS SDK v1. Started as `client URL`; commands and outcomes are
// lines of JSON (../client-process.ts). Credentials are those of the environment.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/aws/aws-dax-go/dax"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/private/protocol/json/jsonutil"
	"github.com/aws/aws-sdk-go/service/dynamodb"
)

type object = map[string]any

var inputs = map[string]any{
	"GetItem":            dynamodb.GetItemInput{},
	"PutItem":            dynamodb.PutItemInput{},
	"UpdateItem":         dynamodb.UpdateItemInput{},
	"DeleteItem":         dynamodb.DeleteItemInput{},
	"Query":              dynamodb.QueryInput{},
	"Scan":               dynamodb.ScanInput{},
	"BatchGetItem":       dynamodb.BatchGetItemInput{},
	"BatchWriteItem":     dynamodb.BatchWriteItemInput{},
	"TransactGetItems":   dynamodb.TransactGetItemsInput{},
	"TransactWriteItems": dynamodb.TransactWriteItemsInput{},
}

func main() {
	var client *dax.Dax
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var command struct {
			Operation  string
			Parameters json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			panic(err)
		}
		var err error
		if client == nil {
			client, err = open(os.Args[1])
		}
		var result json.RawMessage
		if err == nil {
			result, err = call(client, command.Operation, command.Parameters)
		}
		outcome := object{"result": result}
		if err != nil {
			outcome = object{"error": failure(err)}
		}
		line, err := json.Marshal(outcome)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}

func open(endpoint string) (*dax.Dax, error) {
	config := dax.DefaultConfig()
	config.HostPorts = []string{endpoint}
	config.Region = "us-east-1"
	config.Credentials = credentials.NewEnvCredentials()
	if len(endpoint) > 5 && endpoint[:5] == "daxs:" {
		dial, err := dax.SecureDialContext(endpoint, false)
		if err != nil {
			return nil, err
		}
		config.DialContext = dial
	}
	return dax.New(config)
}

func call(client *dax.Dax, operation string, parameters json.RawMessage) (json.RawMessage, error) {
	input := reflect.New(reflect.TypeOf(inputs[operation]))
	if err := jsonutil.UnmarshalJSON(input.Interface(), bytes.NewReader(parameters)); err != nil {
		panic(err)
	}
	results := reflect.ValueOf(client).MethodByName(operation).Call([]reflect.Value{input})
	if err, isError := results[1].Interface().(error); isError {
		return nil, err
	}
	return shown(results[0].Interface()), nil
}

func shown(output any) json.RawMessage {
	text, err := jsonutil.BuildJSON(output)
	if err != nil {
		panic(err)
	}
	return text
}

func failure(err error) object {
	fault := object{"code": fmt.Sprintf("%T", err), "message": err.Error()}
	var api awserr.Error
	if errors.As(err, &api) {
		fault["code"] = api.Code()
		fault["message"] = api.Message()
	}
	var status awserr.RequestFailure
	if errors.As(err, &status) {
		fault["status"] = status.StatusCode()
	}
	var cancelled *dynamodb.TransactionCanceledException
	if errors.As(err, &cancelled) {
		reasons := []json.RawMessage{}
		for _, reason := range cancelled.CancellationReasons {
			reasons = append(reasons, shown(reason))
		}
		fault["reasons"] = reasons
	}
	return fault
}
