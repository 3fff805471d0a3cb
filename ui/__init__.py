"""The web: the search page (Gradio), the pictures it shows, and the HTTP API."""
