"""The page: one Gradio component, and its scripts."""
