#!/usr/bin/env python3
"""The model in PyTorch, timed on request.

A peer of `lab bench`: it says in one JSON line what it is ({"torch": version,
"sgemmGflops": ..}, or {"error": why not}), then reads one JSON request a line from its input and
answers each with one JSON line, so that both programs are timed in turn. Written from the model's equations alone;
needs nothing but torch (Debian: python3-torch), one thread.

Requests:
  {"op": "load-encode", "folder": F, "dims": [..], "levels": L, "codewords": K, "metrics": [..]}
  {"op": "codes", "rows": N}                                  -> {"codes": [..]}
  {"op": "encode", "batch": B, "seconds": S}                  -> {"itemsPerSecond": .., "wall": ..}
  {"op": "load-train", "folder": F, "items": N, "contentDim": D, "users": U, "loss": "bce"|"softmax", ...}
  {"op": "train", "kind": "padded"|"distinct", "steps": N}    -> {"msPerStep": .., "wall": .., "loss": ..}

Times are CPU times of this process; "wall" is the same figure by the clock on the wall.
"""
import array
import json
import math
import os
import sys
import time

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as missing:
    print(json.dumps({"error": str(missing)}), flush=True)
    sys.exit(1)

torch.set_num_threads(1)


def floats(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return torch.frombuffer(values, dtype=torch.float32).clone()


def ints(path):
    values = array.array("i")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return torch.frombuffer(values, dtype=torch.int32).long()


def timed(run, count):
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        run()
    return time.process_time() - cpu, time.perf_counter() - wall


def sgemm():
    """GFLOP/s of a product: shows a torch that came without a fast BLAS (Debian: libopenblas0)."""
    a, b = torch.rand(1024, 512), torch.rand(512, 1024)
    run = lambda: a @ b
    run()
    cpu, _ = timed(run, 10)
    return 10 * 2e-9 * 1024 * 512 * 1024 / cpu


def mlp(dims):
    layers = []
    for i in range(len(dims) - 1):
        layers.append(nn.Linear(dims[i], dims[i + 1]))
        if i < len(dims) - 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def nearest(r, book, metric):
    """Codes [n] of the rows of r [n, D] in a codebook [K, D]."""
    if metric == "cosine":
        return (F.normalize(r, dim=1) @ book.t()).argmax(1)
    return ((book * book).sum(1) - 2 * (r @ book.t())).argmin(1)


class Encode:
    """Encoder and codebooks that the caller brings."""

    def __init__(self, q):
        dims = q["dims"]
        self.encoder = mlp(dims)
        weights = floats(os.path.join(q["folder"], "encoder.f32"))
        at = 0
        with torch.no_grad():
            for layer in self.encoder:
                if isinstance(layer, nn.Linear):
                    n = layer.in_features * layer.out_features
                    # The file has W [in, out].
                    layer.weight.copy_(weights[at : at + n].view(layer.in_features, -1).t())
                    at += n
                    layer.bias.copy_(weights[at : at + layer.out_features])
                    at += layer.out_features
        self.books = floats(os.path.join(q["folder"], "codebooks.f32")).view(
            q["levels"], q["codewords"], dims[-1]
        )
        self.metrics = q["metrics"]
        self.x = floats(os.path.join(q["folder"], "vectors.f32")).view(-1, dims[0])

    @torch.no_grad()
    def codes(self, x):
        r = self.encoder(x)
        z = torch.zeros_like(r)
        codes = []
        for book, metric in zip(self.books, self.metrics):
            c = nearest(r, book, metric)
            word = book[c]
            r = r - word
            z += word
            codes.append(c)
        return torch.stack(codes, 1), z

    def rate(self, batch, seconds):
        x = self.x[:batch]
        run = lambda: self.codes(x)
        run()
        # Calls enough to fill the time, by the time that a few need.
        cpu, _ = timed(run, 3)
        count = max(3, int(seconds / max(cpu / 3, 1e-6)))
        cpu, wall = timed(run, count)
        return {"itemsPerSecond": count * batch / cpu, "wall": count * batch / wall}


class Quantizer(nn.Module):
    """Encoder, hybrid residual quantizer with codebooks by moving average, decoder."""

    def __init__(self, q):
        super().__init__()
        hidden, self.dim = q["hidden"], q["semanticDim"]
        self.encoder = mlp([q["contentDim"]] + hidden + [self.dim])
        self.decoder = mlp([self.dim] + hidden[::-1] + [q["contentDim"]])
        self.metrics = q["metrics"]
        self.k = q["codewords"]
        self.books, self.sums, self.counts = [], [], []

    @torch.no_grad()
    def start(self, x):
        r = self.encoder(x)
        for metric in self.metrics:
            r_in = F.normalize(r, dim=1) if metric == "cosine" else r
            book = r_in[torch.randperm(len(r))[: self.k]].clone()
            self.books.append(book)
            self.sums.append(book.clone() * 4)
            self.counts.append(torch.full((self.k,), 4.0))
            r = r - book[nearest(r, book, metric)]

    def forward(self, x):
        """z with straight-through gradient per level, and reconstruction plus commitment."""
        r = self.encoder(x)
        z, commitment, seen = 0, 0, []
        for book, metric in zip(self.books, self.metrics):
            u = F.normalize(r, dim=1) if metric == "cosine" else r
            with torch.no_grad():
                c = nearest(r, book, metric)
            word = book[c]
            commitment = commitment + F.mse_loss(u, word)
            z = z + u + (word - u).detach()
            seen.append((c, u.detach()))
            r = r - word
        reconstruction = (self.decoder(z) - x).pow(2).sum(1).mean()
        self.seen = seen
        return z, reconstruction + commitment

    @torch.no_grad()
    def learn(self, decay=0.8, eps=1e-5):
        for l, (c, u) in enumerate(self.seen):
            n = torch.zeros(self.k).index_add_(0, c, torch.ones(len(c)))
            s = torch.zeros(self.k, self.dim).index_add_(0, c, u)
            self.counts[l].mul_(decay).add_(n, alpha=1 - decay)
            self.sums[l].mul_(decay).add_(s, alpha=1 - decay)
            total = self.counts[l].sum()
            smooth = (self.counts[l] + eps) / (total + self.k * eps) * total
            book = self.sums[l] / smooth[:, None]
            idle = self.counts[l] < 2
            if idle.any():
                pick = u[torch.randint(len(u), (int(idle.sum()),))]
                book[idle], self.sums[l][idle], self.counts[l][idle] = pick, pick * 4, 4.0
            self.books[l] = F.normalize(book, dim=1) if self.metrics[l] == "cosine" else book


class Block(nn.Module):
    def __init__(self, d, heads, ffn, p):
        super().__init__()
        self.heads, self.p = heads, p
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, ffn), nn.Linear(ffn, d)
        self.n1, self.n2 = nn.LayerNorm(d, eps=1e-12), nn.LayerNorm(d, eps=1e-12)

    def forward(self, x, mask):
        b, t, d = x.shape
        q, k, v = (
            a.view(b, t, self.heads, -1).transpose(1, 2) for a in self.qkv(x).split(d, dim=2)
        )
        a = (q @ k.transpose(2, 3) / math.sqrt(d // self.heads) + mask).softmax(3)
        a = F.dropout(a, self.p)
        h = self.out((a @ v).transpose(1, 2).reshape(b, t, d))
        x = self.n1(x + F.dropout(h, self.p))
        return self.n2(x + F.dropout(self.down(F.gelu(self.up(x))), self.p))


class Train(nn.Module):
    """The joint model; item 0 is padding."""

    def __init__(self, q):
        super().__init__()
        n = q["items"]
        content = floats(os.path.join(q["folder"], "content.f32")).view(n, q["contentDim"])
        self.content = torch.cat([torch.zeros(1, q["contentDim"]), content])
        # [users, maxLen + 1], oldest first, padded on the left by 0.
        self.sequences = ints(os.path.join(q["folder"], "sequences.i32")).view(q["users"], -1)
        self.batch, self.loss_name = q["batch"], q["loss"]
        self.shared, self.temperature = q["sharedNegatives"], q["temperature"]
        self.p = q["dropout"]
        d = q["semanticDim"] + q["idDim"]
        self.id = nn.Embedding(n + 1, q["idDim"], padding_idx=0)
        self.quantizer = Quantizer(q)
        self.t = q["maxLen"]
        self.position = nn.Parameter(torch.zeros(self.t, d))
        self.norm = nn.LayerNorm(d, eps=1e-12)
        self.blocks = nn.ModuleList(
            Block(d, q["heads"], q["ffn"], self.p) for _ in range(q["blocks"])
        )
        for name, p in self.named_parameters():
            if p.dim() > 1 and not name.startswith("quantizer"):
                nn.init.normal_(p, 0, 0.02)
        with torch.no_grad():
            self.id.weight[0].zero_()
        self.quantizer.start(self.content[1 : 4097])
        self.adam = torch.optim.Adam(self.parameters(), lr=q["learningRate"])
        self.at = 0

    def hidden(self, s, present):
        t = self.t
        causal = torch.ones(t, t, dtype=torch.bool).tril()
        allowed = causal[None, None] & present[:, None, None, :]
        mask = torch.zeros(allowed.shape).masked_fill_(~allowed, -10000.0)
        x = F.dropout(self.norm(s + self.position), self.p)
        for block in self.blocks:
            x = block(x, mask)
        return x

    def negatives(self, like, sequences):
        n = len(self.content) - 1
        drawn = torch.randint(1, n + 1, like.shape)
        had = (drawn[:, :, None] == sequences[:, None, :]).any(2)
        drawn[had] = torch.randint(1, n + 1, (int(had.sum()),))
        return drawn

    def step(self, kind):
        rows = torch.arange(self.at, self.at + self.batch) % len(self.sequences)
        self.at = (self.at + self.batch) % len(self.sequences)
        sequences = self.sequences[rows]
        inputs, targets = sequences[:, :-1], sequences[:, 1:]
        predicted = inputs > 0
        if self.loss_name == "bce":
            others = self.negatives(targets, sequences)
        else:
            others = torch.randint(1, len(self.content), (self.shared,))
        ids = torch.cat([inputs.reshape(-1), targets.reshape(-1), others.reshape(-1)])
        if kind == "distinct":
            wanted = torch.cat(
                [
                    predicted.reshape(-1),
                    predicted.reshape(-1),
                    predicted.reshape(-1) if self.loss_name == "bce" else others > 0,
                ]
            )
            once = ids[wanted].unique()
            z, loss = self.quantizer(self.content[once])
            place = torch.zeros(len(self.content), dtype=torch.long)
            place[once] = torch.arange(len(once))
            s = torch.cat([z, self.id(once)], 1)[place[ids]]
        else:
            z, loss = self.quantizer(self.content[ids])
            s = torch.cat([z, self.id(ids)], 1)
        n = inputs.numel()
        h = self.hidden(s[:n].view(*inputs.shape, -1), predicted)[predicted]
        if self.loss_name == "bce":
            keep = predicted.reshape(-1)
            yes = (h * s[n : 2 * n][keep]).sum(1)
            no = (h * s[2 * n :][keep]).sum(1)
            loss = loss - (F.logsigmoid(yes) + F.logsigmoid(-no)).mean()
        else:
            candidates, goal = torch.cat([targets[predicted], others]).unique(return_inverse=True)
            first = torch.zeros(len(self.content), dtype=torch.long)
            first[ids[n:]] = torch.arange(n, len(ids))
            scores = h @ s[first[candidates]].t() / self.temperature
            loss = loss + F.cross_entropy(scores, goal[: len(h)])
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        self.quantizer.learn()
        self.last = float(loss)

    def time(self, kind, steps):
        cpu, wall = timed(lambda: self.step(kind), steps)
        return {"msPerStep": 1e3 * cpu / steps, "wall": 1e3 * wall / steps, "loss": self.last}


def main():
    torch.manual_seed(1)
    subject = None
    print(json.dumps({"torch": torch.__version__, "sgemmGflops": sgemm()}), flush=True)
    for line in sys.stdin:
        q = json.loads(line)
        op = q["op"]
        answer = {}
        if op == "load-encode":
            subject = Encode(q)
        elif op == "codes":
            answer = {"codes": subject.codes(subject.x[: q["rows"]])[0].reshape(-1).tolist()}
        elif op == "encode":
            answer = subject.rate(q["batch"], q["seconds"])
        elif op == "load-train":
            subject = Train(q)
        elif op == "train":
            answer = subject.time(q["kind"], q["steps"])
        else:
            raise SystemExit("unknown request: " + op)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
