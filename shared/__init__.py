"""What two services need today: the contract, the topology, outbox and inbox, errors, logs."""
