"""Programs that torments run in processes of their own."""
