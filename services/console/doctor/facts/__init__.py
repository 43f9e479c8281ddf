"""What is looked at: each module gathers the facts that the rule of its name judges."""
