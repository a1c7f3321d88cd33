"""Times GPyTorch on likelihoods that `isotherm bench fit` sends.

One JSON object a line on standard input, one a line on standard output.
  {"case": name, "x": [[...]], "y": [...], "kernel": KernelSpec, "noiseVariance": s2}   remembers a case
  {"run": name, "dtype": "float64" | "float32", "threads": k, "count": m}               evaluates it m times
An evaluation is the exact log marginal likelihood (Cholesky) and its gradient with respect to every log hyperparameter, which is what one step of a
fit costs. The answer holds the value and the gradient too, so that the caller can see that both sides computed the same.
"""

import json
import sys
import time
import warnings

import gpytorch
import torch

# Float32 asks for a little jitter; the figures tell how far its value is off.
warnings.filterwarnings("ignore")
LOG = dict(transform=torch.exp, inv_transform=torch.log)


def positive():
    return gpytorch.constraints.Positive(**LOG)


def build(spec, width, dtype, gradients):
    """A GPyTorch kernel of isotherm's KernelSpec; `gradients` collects how each raw parameter becomes log hyperparameters, in isotherm's order."""
    kind = spec["kind"]
    if kind == "scale":
        inner = []
        kernel = gpytorch.kernels.ScaleKernel(build(spec["base"], width, dtype, inner), outputscale_constraint=positive())
        kernel.outputscale = torch.tensor(spec["outputScale"], dtype=dtype)
        gradients.extend([(kernel.raw_outputscale, 1.0), *inner])
        return kernel
    if kind in ("sum", "product"):
        parts = [build(part, width, dtype, gradients) for part in spec["parts"]]
        return (gpytorch.kernels.AdditiveKernel if kind == "sum" else gpytorch.kernels.ProductKernel)(*parts)
    dims = tuple(spec.get("dims", range(width)))
    lengthscales = torch.tensor([spec["lengthscales"]], dtype=dtype)
    if kind == "linear":
        kernel = gpytorch.kernels.LinearKernel(ard_num_dims=len(dims), active_dims=dims, variance_constraint=positive())
        # Sum of x x' / l^2: a variance of 1 / l^2 for each input, so d/d log l = -2 d/d log variance.
        kernel.variance = lengthscales**-2
        gradients.append((kernel.raw_variance, -2.0))
        return kernel
    if kind == "rbf":
        kernel = gpytorch.kernels.RBFKernel(ard_num_dims=len(dims), active_dims=dims, lengthscale_constraint=positive())
    else:
        nu = {"matern32": 1.5, "matern52": 2.5}[kind]
        kernel = gpytorch.kernels.MaternKernel(nu=nu, ard_num_dims=len(dims), active_dims=dims, lengthscale_constraint=positive())
    kernel.lengthscale = lengthscales
    gradients.append((kernel.raw_lengthscale, 1.0))
    return kernel


class ExactModel(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood, kernel):
        super().__init__(x, y, likelihood)
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = kernel

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


def run(case, dtype, threads, count):
    torch.set_num_threads(threads)
    # Parameters are made in this type from the start: rounded to float32 in between they would be others.
    torch.set_default_dtype(dtype)
    x = torch.tensor(case["x"], dtype=dtype)
    y = torch.tensor(case["y"], dtype=dtype)
    gradients = []
    kernel = build(case["kernel"], x.shape[1], dtype, gradients).to(dtype)
    likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=gpytorch.constraints.Positive(**LOG)).to(dtype)
    likelihood.noise = torch.tensor(case["noiseVariance"], dtype=dtype)
    gradients.append((likelihood.noise_covar.raw_noise, 1.0))
    model = ExactModel(x, y, likelihood, kernel).to(dtype)
    model.train()
    likelihood.train()
    marginal = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)

    def evaluate():
        model.zero_grad()
        value = marginal(model(x), y) * x.shape[0]
        value.backward()
        return value.item()

    # The exact likelihood on both sides: no conjugate gradients, however many rows there are.
    with gpytorch.settings.fast_computations(covar_root_decomposition=False, log_prob=False, solves=False):
        value = evaluate()
        times = []
        for _ in range(count):
            begun = time.perf_counter()
            value = evaluate()
            times.append(1000 * (time.perf_counter() - begun))
    gradient = [factor * entry for raw, factor in gradients for entry in raw.grad.reshape(-1).tolist()]
    return {"ms": times, "logMarginalLikelihood": value, "gradient": gradient}


def main():
    cases = {}
    print(json.dumps({"gpytorch": gpytorch.__version__, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            cases[request["case"]] = request
            answer = {}
        else:
            dtype = {"float32": torch.float32, "float64": torch.float64}[request["dtype"]]
            answer = run(cases[request["run"]], dtype, request["threads"], request["count"])
        print(json.dumps(answer), flush=True)


main()
