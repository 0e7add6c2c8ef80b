"""Drives a login and an approval with the stock client of macaroon-bakery, as Debian packages it.

Not a part of the test suite: run it by hand against a service with the development identity provider.

    apt-get install python3-macaroonbakery
    node src/build.ts && DATA_DIR=/tmp/drill PORT=8099 node dist/bakehouse.js serve
    /usr/bin/python3 test/drills/stock-bakery-client.py http://127.0.0.1:8099 /tmp/drill/default.token
"""

import datetime
import html
import json
import re
import sys
import threading
from urllib.parse import urljoin

import macaroonbakery.bakery as bakery
import macaroonbakery.checkers as checkers
import pymacaroons
import requests
from macaroonbakery import httpbakery

BASE, CREDENTIAL = sys.argv[1], open(sys.argv[2]).read().strip()
PLATFORM = {"Authorization": "Bearer " + CREDENTIAL}


class Person:
    """A browser without a screen, in front of which somebody sits."""

    def __init__(self, name):
        self.name = name
        self.session = requests.Session()

    def submit(self, page, values):
        form = re.search(r"<form\b([^>]*)>(.*?)</form>", page.text, re.S)
        found = re.search(r'action="([^"]*)"', form.group(1))
        action = html.unescape(found.group(1)) if found else ""
        fields = {}
        for tag in re.findall(r"<input\b[^>]*>", form.group(2)):
            name = re.search(r'name="([^"]*)"', tag)
            value = re.search(r'value="([^"]*)"', tag)
            if name:
                fields[name.group(1)] = html.unescape(value.group(1)) if value else ""
        fields.update(values)
        url = urljoin(page.url, action)
        return self.session.post(url, data=fields, headers={"Origin": BASE})

    def visit(self, url, decision):
        page = self.session.get(url)
        if "/dev-idp" in page.url:
            page = self.submit(page, {"name": self.name})
        assert page.status_code == 200, (page.url, page.status_code, page.text)
        done = self.submit(page, {"decision": decision})
        assert done.status_code == 200, (done.url, done.status_code, done.text)
        print("   ", self.name, "said", decision, "at", url)


def client_of(person, decision):
    def open_browser(url):
        threading.Thread(target=person.visit, args=(url, decision), daemon=True).start()

    return httpbakery.Client(interaction_methods=[httpbakery.WebBrowserInteractor(open=open_browser)])


print("1. a stock client calls the API, is told to log in, and is let through")
client = client_of(Person("alice"), "confirm")
answer = client.request("GET", BASE + "/v1/approvals")
assert answer.status_code == 200, (answer.status_code, answer.text)
print("   ", answer.status_code, answer.json())
again = client.request("GET", BASE + "/v1/approvals")
assert again.status_code == 200, "the login is good for the next call as well"

print("2. a token that needs alice's approval is discharged by a stock client")
issued = requests.post(
    BASE + "/v1/tokens",
    headers=PLATFORM,
    json={
        "platform": "default",
        "on_behalf_of": {"subject": "alice"},
        "third_party_caveats": [{"location": BASE, "condition": "approved-by alice Pay 40 EUR to the printers"}],
    },
).json()
root = pymacaroons.Macaroon.deserialize(issued["token"])


def verify(*macaroons):
    text = "[" + ",".join(m.serialize(pymacaroons.serializers.JsonSerializer()) for m in macaroons) + "]"
    asked = {"token": text, "context": {"action": "pay"}}
    return requests.post(BASE + "/v1/verify", headers=PLATFORM, json=asked).json()


assert verify(root)["code"] == "discharge_missing"
client = client_of(Person("alice"), "approve")
discharges = bakery.discharge_all(
    bakery.Macaroon.from_dict({"m": json.loads(root.serialize(pymacaroons.serializers.JsonSerializer())), "v": 3, "ns": "std:"}),
    client.acquire_discharge,
)
verdict = verify(*discharges)
assert verdict["allowed"] is True, verdict
print("    verify:", verdict["summary"])

print("3. what alice denies is not discharged")
client = client_of(Person("alice"), "deny")
try:
    client.acquire_discharge(
        next(c for c in root.caveats if c.verification_key_id), None
    )
except (httpbakery.InteractionError, httpbakery.DischargeError) as error:
    print("    refused:", error)
else:
    raise AssertionError("a denial was no obstacle")

print("4. a caveat that the client writes offline, with the published key, asks for a login and declares the name")
info = requests.get(BASE + "/discharge/info").json()
locator = bakery.ThirdPartyStore()
locator.add_info(BASE, bakery.ThirdPartyInfo(bakery.VERSION_3, bakery.PublicKey.deserialize(info["PublicKey"])))
key = bakery.generate_key()
service = bakery.Bakery(location="https://elsewhere.test", key=key, locator=locator)
made = service.oven.macaroon(
    bakery.VERSION_3,
    datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1),
    [checkers.Caveat(location=BASE, condition="need-declared username is-authenticated-user")],
    [bakery.LOGIN_OP],
)
client = client_of(Person("bob"), "confirm")
bound = bakery.discharge_all(made, client.acquire_discharge)
declared = [c.caveat_id for m in bound[1:] for c in m.caveats]
assert b"declared username bob" in declared, declared
print("    its discharge says:", declared)
print("all done")
