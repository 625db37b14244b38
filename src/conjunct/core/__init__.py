"""What every slice stands on: settings, database, problems, encryption, egress, telemetry."""
