"""What the app does, step by step, in boto3: what "Show the code" shows, with the names of whoever looks filled in."""
