"""The web: the server, the HTTP API, and the search page (Gradio), which is a client of the API."""
