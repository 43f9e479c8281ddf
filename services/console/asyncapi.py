"""The AsyncAPI 3.0 document of the exchange, made from the event classes and the topology.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0.
"""

from typing import Any

from pydantic.json_schema import models_json_schema

from shared.events import CONTENT_TYPE, EVENTS, CloudEvent
from shared.topology import CONSUMERS, EXCHANGE

PRODUCERS = {
    "article.discovered": "poller",
    "article.revised": "poller",
    "poll.completed": "poller",
    "article.classified": "classifier",
    "digest.delivered": "notifier",
    "parked.resolved": "console",
    "replay.finished": "console",
}


def document() -> dict[str, Any]:
    """The whole document, in a stable order."""
    _, schemas = models_json_schema(
        [(event, "validation") for event in EVENTS], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Carillon",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in structured JSON on one topic exchange. The type carries the "
                "schema version; within a version fields are only added."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {event.ROUTING_KEY: _channel(event) for event in EVENTS},
        "operations": {**_sends(), **_receives()},
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENTS},
            "schemas": dict(sorted(schemas["$defs"].items())),
        },
    }


def _channel(event: type[CloudEvent]) -> dict[str, Any]:
    name = event.__name__
    return {
        "address": event.ROUTING_KEY,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True},
            }
        },
    }


def _message(event: type[CloudEvent]) -> dict[str, Any]:
    return {
        "name": event.model_fields["type"].default,
        "summary": (event.__doc__ or "").strip(),
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }


def _sends() -> dict[str, Any]:
    return {
        f"{producer}.sends.{key}": {"action": "send", "channel": {"$ref": f"#/channels/{key}"}}
        for key, producer in PRODUCERS.items()
    }


def _receives() -> dict[str, Any]:
    return {
        f"{queue.name}.receives.{key}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{key}"},
        }
        for queue in CONSUMERS
        for key in queue.bindings
    }
