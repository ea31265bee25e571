"""An embedded Event Hubs server: AMQP 1.0 over asyncio, append-only files, fsync before acknowledgement."""
