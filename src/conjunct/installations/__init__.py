"""An integration bound to a group: config, sampling, health."""
