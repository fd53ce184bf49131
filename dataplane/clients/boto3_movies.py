"""Drives the server with boto3, resource and client, and checks what comes back. Run by boto3.test.ts."""

from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

dynamodb = boto3.resource("dynamodb")
client = boto3.client("dynamodb")


def make_table():
    table = dynamodb.create_table(
        TableName="Movies",
        KeySchema=[
            {"AttributeName": "year", "KeyType": "HASH"},
            {"AttributeName": "title", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "year", "AttributeType": "N"},
            {"AttributeName": "title", "AttributeType": "S"},
            {"AttributeName": "genre", "AttributeType": "S"},
            {"AttributeName": "rating", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByGenre",
                "KeySchema": [
                    {"AttributeName": "genre", "KeyType": "HASH"},
                    {"AttributeName": "rating", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    table.reload()
    assert table.table_status == "ACTIVE", table.table_status
    return table


def movie(number):
    return {
        "year": Decimal(2000 + number % 5),
        "title": f"Movie {number:03}",
        "genre": "drama" if number % 2 else "comedy",
        "rating": Decimal(number) / 10,
        "info": {"cast": ["A", "B"], "poster": b"\x00\xff", "sequel": None, "tags": {"x", "y"}},
    }


def check_items(table):
    with table.batch_writer(overwrite_by_pkeys=["year", "title"]) as batch:
        for number in range(120):
            batch.put_item(Item=movie(number))
        batch.put_item(Item=movie(0))
        batch.delete_item(Key={"year": 2004, "title": "Movie 119"})

    got = table.get_item(Key={"year": 2003, "title": "Movie 013"}, ConsistentRead=True)["Item"]
    assert got == movie(13) | {"info": got["info"]}, got
    assert got["info"]["poster"].value == b"\x00\xff" and got["info"]["tags"] == {"x", "y"}, got
    assert "Item" not in table.get_item(Key={"year": 2004, "title": "Movie 119"})

    scanned = table.scan(FilterExpression=Attr("info.cast").contains("A") & Attr("rating").gte(6))
    assert scanned["Count"] == 59 and scanned["ScannedCount"] == 119, scanned["Count"]


def check_queries(table):
    year = table.query(
        KeyConditionExpression=Key("year").eq(2001) & Key("title").between("Movie 010", "Movie 060"),
        ProjectionExpression="title, info.#c[0]",
        ExpressionAttributeNames={"#c": "cast"},
        ScanIndexForward=False,
    )
    assert [item["title"] for item in year["Items"]] == [
        f"Movie {number:03}" for number in range(56, 10, -5)
    ], year
    assert year["Items"][0]["info"] == {"cast": ["A"]}, year

    waited = 0
    while True:
        best = table.query(
            IndexName="ByGenre",
            KeyConditionExpression=Key("genre").eq("comedy") & Key("rating").gt(Decimal("11")),
        )
        if best["Count"] == 4 or waited > 100:
            break
        waited += 1
    assert [str(item["rating"]) for item in best["Items"]] == ["11.2", "11.4", "11.6", "11.8"], best

    pages = client.get_paginator("scan").paginate(
        TableName="Movies", PaginationConfig={"PageSize": 25}
    )
    counts = [page["Count"] for page in pages]
    assert sum(counts) == 119 and max(counts) <= 25, counts


def check_updates(table):
    key = {"year": 2000, "title": "Movie 000"}
    changed = table.update_item(
        Key=key,
        UpdateExpression="SET rating = rating + :r, info.#c = list_append(info.#c, :c) DELETE info.tags :t",
        ExpressionAttributeNames={"#c": "cast"},
        ConditionExpression=Attr("genre").eq("comedy") & Attr("info.sequel").attribute_type("NULL"),
        ExpressionAttributeValues={":r": Decimal("0.1"), ":c": ["C"], ":t": {"x", "y"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert changed["rating"] == Decimal("0.1") and changed["info"]["cast"] == ["A", "B", "C"], changed
    assert "tags" not in changed["info"], changed

    try:
        table.put_item(Item=key, ConditionExpression=Attr("year").not_exists())
        raise AssertionError("the condition did not hold, but the item was written")
    except client.exceptions.ConditionalCheckFailedException as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error.response
    try:
        client.get_item(TableName="Nowhere", Key={"id": {"S": "1"}})
        raise AssertionError("a table that does not exist answered")
    except ClientError as error:
        assert error.response["Error"] == {
            "Message": "Requested resource not found",
            "Code": "ResourceNotFoundException",
        }, error.response


movies = make_table()
check_items(movies)
check_queries(movies)
check_updates(movies)
movies.delete()
movies.wait_until_not_exists()
print("all checks passed")
