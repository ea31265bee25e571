"""AMQP 1.0 on the wire: types, frames, messages and errors, as bytes and back."""
