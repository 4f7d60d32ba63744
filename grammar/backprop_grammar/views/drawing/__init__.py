"""What a picture shows and where it stands."""
