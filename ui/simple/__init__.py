"""The search as a `gr.Blocks` of Gradio's own components, for notebooks, Spaces and other people's Gradio apps."""
