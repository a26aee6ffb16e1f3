"""What turns images, embeddings and texts into numeric columns, fitted with the reference."""
