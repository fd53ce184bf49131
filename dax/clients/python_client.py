"""Calls operations through amazon-dax-client for Python.

Started as `python python_client.py URL`; commands and outcomes are lines of JSON
(client-process.ts). Credentials and region are those of the environment.
"""

import base64
import json
import re
import sys

import botocore.session
from amazondax import AmazonDaxClient


def with_bytes(value):
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, member in value.items():
        if name == "B" and isinstance(member, str):
            result[name] = base64.b64decode(member)
        elif name == "BS" and isinstance(member, list):
            result[name] = [base64.b64decode(each) for each in member]
        else:
            result[name] = with_bytes(member)
    return result


def with_base64(value):
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (list, tuple, set)):
        return [with_base64(each) for each in value]
    if isinstance(value, dict):
        return {name: with_base64(member) for name, member in value.items()}
    return value


def failure_of(error):
    response = getattr(error, "response", {})
    described = response.get("Error", {})
    return {
        "code": described.get("Code", type(error).__name__),
        "message": described.get("Message", str(error)),
        "status": response.get("ResponseMetadata", {}).get("HTTPStatusCode"),
        "reasons": with_base64(getattr(error, "cancellation_reasons", None)),
    }


def main():
    session = botocore.session.get_session()
    client = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if client is None:
                client = AmazonDaxClient(session, endpoint_url=sys.argv[1])
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", command["operation"]).lower()
            result = getattr(client, name)(**with_bytes(command["parameters"]))
            outcome = {"result": with_base64(result)}
        except Exception as error:  # whatever it is, it is the outcome
            outcome = {"error": failure_of(error)}
        print(json.dumps(outcome, default=str), flush=True)
    if client is not None:
        client.close()


main()
