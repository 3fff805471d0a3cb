# docker build -t polyglance . ; docs/running.md shows how to run it.
FROM python:3.11-slim
WORKDIR /app
COPY . .
# On x86-64 PyPI's torch brings CUDA, several GB. Name PyTorch's index of CPU wheels for a small image:
# docker build --build-arg TORCH_INDEX=… ; and take the extra [gpu] in place of [cpu] where there is a GPU.
ARG TORCH_INDEX=
RUN pip install --no-cache-dir -c constraints.txt torch ${TORCH_INDEX:+--index-url $TORCH_INDEX}
ARG EXTRAS=cpu,heic,raw
RUN pip install --no-cache-dir -c constraints.txt ".[$EXTRAS]"
RUN useradd --create-home --uid 1000 polyglance && mkdir /library && chown polyglance /library
USER polyglance
ENV POLYGLANCE_LIBRARY=/library
VOLUME /library
STOPSIGNAL SIGTERM
ENTRYPOINT ["polyglance"]
CMD ["watch"]
