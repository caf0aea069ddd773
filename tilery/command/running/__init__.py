"""What `tilery run` works with: archives of arguments, ways to run, the debugger."""
