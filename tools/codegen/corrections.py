"""Where a service model is not what the service (or RE2) takes. Keyed by service, then by shape or operation.

Each entry says why; the generator fails on an entry that names nothing, so that a new model cannot leave one behind.
"""

# {service: {shape: {key: new value or None to drop it}}}
SHAPES = {}

# Operations that need no credentials although the model does not say so.
UNSIGNED = {}
