"""The vectors of a library in Milvus; pymilvus is imported when the first request is sent."""
