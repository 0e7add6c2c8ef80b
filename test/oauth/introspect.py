"""Introspects as FastMCP's verifier does, with the standard library alone.

Arguments: URL, client id, secret, token, then the scopes that a server requires. Prints the client, the scopes and the end of a
token that it would let in, or null.
"""

import base64
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

url, client, secret, token, *required = sys.argv[1:]
request = urllib.request.Request(
    url,
    data=urllib.parse.urlencode({"token": token, "token_type_hint": "access_token"}).encode(),
    headers={
        "Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    },
)


def verify() -> object:
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            if response.status != 200:
                return None
            said = json.load(response)
    except urllib.error.HTTPError:
        return None
    if said.get("active") is not True or said["exp"] < time.time():
        return None
    scopes = said.get("scope", "").split()
    if not set(required) <= set(scopes):
        return None
    return {"client": said.get("client_id") or said["sub"], "scopes": scopes, "ends": said["exp"]}


print(json.dumps(verify()))
