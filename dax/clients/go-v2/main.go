// Calls operations through aws-dax-go-v2. Started as `client URL`; commands and outcomes are lines of
// JSON (../client-process.ts). Credentials are those of the environment.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/aws/aws-dax-go-v2/dax"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
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

var attributeValue = reflect.TypeFor[types.AttributeValue]()

func main() {
	var client *dax.Dax
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var command struct {
			Operation  string
			Parameters object
		}
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			panic(err)
		}
		var err error
		if client == nil {
			client, err = open(os.Args[1])
		}
		var result any
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
	config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		}, nil
	})
	if len(endpoint) > 5 && endpoint[:5] == "daxs:" {
		dial, err := dax.SecureDialContext(endpoint, false)
		if err != nil {
			return nil, err
		}
		config.DialContext = dial
	}
	return dax.New(config)
}

func call(client *dax.Dax, operation string, parameters object) (any, error) {
	input := reflect.New(reflect.TypeOf(inputs[operation]))
	fill(input.Elem(), parameters)
	method := reflect.ValueOf(client).MethodByName(operation)
	results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), input})
	if err, isError := results[1].Interface().(error); isError {
		return nil, err
	}
	return plain(results[0]), nil
}

func failure(err error) object {
	fault := object{"code": fmt.Sprintf("%T", err), "message": err.Error()}
	var api smithy.APIError
	if errors.As(err, &api) {
		fault["code"] = api.ErrorCode()
		fault["message"] = api.ErrorMessage()
	}
	var status interface{ StatusCode() int }
	if errors.As(err, &status) {
		fault["status"] = status.StatusCode()
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		fault["reasons"] = plain(reflect.ValueOf(cancelled.CancellationReasons))
	}
	return fault
}

// fill sets target, of any type of the SDK's inputs, from JSON.
func fill(target reflect.Value, from any) {
	if from == nil {
		return
	}
	if target.Type() == attributeValue {
		target.Set(reflect.ValueOf(valueOf(from.(object))))
		return
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		fill(target.Elem(), from)
	case reflect.Struct:
		for name, member := range from.(object) {
			field := target.FieldByName(name)
			if !field.IsValid() {
				panic("no such member: " + name)
			}
			fill(field, member)
		}
	case reflect.Map:
		target.Set(reflect.MakeMap(target.Type()))
		for name, member := range from.(object) {
			element := reflect.New(target.Type().Elem()).Elem()
			fill(element, member)
			target.SetMapIndex(reflect.ValueOf(name), element)
		}
	case reflect.Slice:
		list := from.([]any)
		target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
		for index, member := range list {
			fill(target.Index(index), member)
		}
	case reflect.Int32:
		target.SetInt(int64(from.(float64)))
	default:
		target.Set(reflect.ValueOf(from).Convert(target.Type()))
	}
}

func valueOf(from object) types.AttributeValue {
	for kind, content := range from {
		switch kind {
		case "S":
			return &types.AttributeValueMemberS{Value: content.(string)}
		case "N":
			return &types.AttributeValueMemberN{Value: content.(string)}
		case "B":
			return &types.AttributeValueMemberB{Value: bytesOf(content)}
		case "BOOL":
			return &types.AttributeValueMemberBOOL{Value: content.(bool)}
		case "NULL":
			return &types.AttributeValueMemberNULL{Value: content.(bool)}
		case "M":
			value := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
			for name, member := range content.(object) {
				value.Value[name] = valueOf(member.(object))
			}
			return value
		case "L":
			value := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
			for _, member := range content.([]any) {
				value.Value = append(value.Value, valueOf(member.(object)))
			}
			return value
		case "SS":
			return &types.AttributeValueMemberSS{Value: texts(content)}
		case "NS":
			return &types.AttributeValueMemberNS{Value: texts(content)}
		case "BS":
			value := &types.AttributeValueMemberBS{}
			for _, member := range content.([]any) {
				value.Value = append(value.Value, bytesOf(member))
			}
			return value
		}
	}
	panic("no attribute value")
}

func bytesOf(content any) []byte {
	bytes, err := base64.StdEncoding.DecodeString(content.(string))
	if err != nil {
		panic(err)
	}
	return bytes
}

func texts(content any) []string {
	var list []string
	for _, member := range content.([]any) {
		list = append(list, member.(string))
	}
	return list
}

// plain makes JSON of what the SDK returns; what is not there is left out.
func plain(value reflect.Value) any {
	if value.Kind() == reflect.Interface || value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return nil
		}
		if member, isMember := value.Interface().(types.AttributeValue); isMember {
			return plainValue(member)
		}
		return plain(value.Elem())
	}
	switch value.Kind() {
	case reflect.Struct:
		result := object{}
		for index := range value.NumField() {
			field := value.Type().Field(index)
			if !field.IsExported() || field.Name == "ResultMetadata" {
				continue
			}
			content := value.Field(index)
			if content.Kind() == reflect.Int32 || !content.IsZero() {
				result[field.Name] = plain(content)
			}
		}
		return result
	case reflect.Map:
		result := object{}
		for _, name := range value.MapKeys() {
			result[name.String()] = plain(value.MapIndex(name))
		}
		return result
	case reflect.Slice:
		result := make([]any, 0, value.Len())
		for index := range value.Len() {
			result = append(result, plain(value.Index(index)))
		}
		return result
	default:
		return value.Interface()
	}
}

func plainValue(value types.AttributeValue) any {
	switch member := value.(type) {
	case *types.AttributeValueMemberS:
		return object{"S": member.Value}
	case *types.AttributeValueMemberN:
		return object{"N": member.Value}
	case *types.AttributeValueMemberB:
		return object{"B": base64.StdEncoding.EncodeToString(member.Value)}
	case *types.AttributeValueMemberBOOL:
		return object{"BOOL": member.Value}
	case *types.AttributeValueMemberNULL:
		return object{"NULL": member.Value}
	case *types.AttributeValueMemberM:
		return object{"M": plain(reflect.ValueOf(member.Value))}
	case *types.AttributeValueMemberL:
		return object{"L": plain(reflect.ValueOf(member.Value))}
	case *types.AttributeValueMemberSS:
		return object{"SS": member.Value}
	case *types.AttributeValueMemberNS:
		return object{"NS": member.Value}
	case *types.AttributeValueMemberBS:
		list := []string{}
		for _, each := range member.Value {
			list = append(list, base64.StdEncoding.EncodeToString(each))
		}
		return object{"BS": list}
	}
	panic("no attribute value")
}
