"""Whether an approver saw the impact that this draft really has, on a snapshot that there is."""
