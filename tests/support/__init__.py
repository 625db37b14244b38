"""What tests share: servers on loopback, clients, a receiver of webhooks."""
