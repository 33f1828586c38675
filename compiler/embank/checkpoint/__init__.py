"""What a bank holds: checkpoints of write-once objects, their leases and their retention."""
