"""The family of chips around AWS Trainium: layout, instructions, costs and capacities."""
