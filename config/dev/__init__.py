"""What `make run` needs besides the server: `worker` keeps one worker process running."""
