"""What tests of the whole system share: its processes, what is stored, simulated clients and their ledger."""
