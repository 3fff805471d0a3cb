"""Training: a multilingual text tower is distilled from a CLIP, aligned with pictures, and fine-tuned to classes.

text files -> translations -> shuffle -> batches ─┐
teacher -> targets (cached) ──────────────────────┤
pictures -> vectors (cached) or pixels ───────────┼─> student -> loss -> one loop -> checkpoint in the hub's layout
labelled folders -> prompts ──────────────────────┘
"""
