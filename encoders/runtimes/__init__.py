"""Runtimes that compute a tower: torch always, OpenVINO with the extra `fast`. OpenVINO and NNCF stay in this room."""
