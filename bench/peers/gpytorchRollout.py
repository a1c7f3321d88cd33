"""Rolls control sequences through a GP's mean with GPyTorch, with the predictive variance at every step, as isotherm's `increment` zones do.

One JSON object a line on standard input, one a line on standard output.
  {"x": [[...]], "y": [...], "outputScale": s, "lengthscales": [...], "noiseVariance": s2}      the training data, remembered
  {"rows": [[...]], "controls": [[[...]]], "scale": [...], "start": T, "threads": k, "count": m}  rolls them m times in float32 with fast_pred_var
A step's inputs are `rows[t]` for all samples but for columns 0 to 2: the sample's temperature and its two setpoints, divided by `scale`.
The answer holds milliseconds by the clock and of the processor, and the temperatures and latent variances of the last run, [step][sample].
"""

import json
import sys
import time
import warnings

import gpytorch
import torch

warnings.filterwarnings("ignore")
DTYPE = torch.float32


class ExactModel(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood, width):
        super().__init__(x, y, likelihood)
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=width))

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


def build(case):
    x = torch.tensor(case["x"], dtype=DTYPE)
    likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=gpytorch.constraints.GreaterThan(1e-9))
    likelihood.noise = case["noiseVariance"]
    model = ExactModel(x, torch.tensor(case["y"], dtype=DTYPE), likelihood, x.shape[1])
    model.covar_module.outputscale = case["outputScale"]
    model.covar_module.base_kernel.lengthscale = torch.tensor([case["lengthscales"]], dtype=DTYPE)
    model.eval()
    likelihood.eval()
    return model


def roll(model, request):
    torch.set_num_threads(request["threads"])
    rows = torch.tensor(request["rows"], dtype=DTYPE)
    controls = torch.tensor(request["controls"], dtype=DTYPE)
    steps, samples, _ = controls.shape
    scale = request["scale"]
    times, cpu_times = [], []
    # The caches of the training data are made in the first, untimed run; samples are independent, so only variances are asked for, not covariances.
    with torch.no_grad(), gpytorch.settings.fast_pred_var():
        for _ in range(request["count"] + 1):
            means, variances = [], []
            begun, cpu_begun = time.perf_counter(), time.process_time()
            temperature = torch.full((samples,), request["start"], dtype=DTYPE)
            for t in range(steps):
                inputs = rows[t].repeat(samples, 1)
                inputs[:, 0] = temperature / scale[0]
                inputs[:, 1:3] = controls[t]
                prediction = model(inputs)
                temperature = temperature + prediction.mean
                means.append(temperature)
                variances.append(prediction.variance)
            times.append(1000 * (time.perf_counter() - begun))
            cpu_times.append(1000 * (time.process_time() - cpu_begun))
    return {"ms": times[1:], "cpuMs": cpu_times[1:], "meanC": torch.stack(means).tolist(), "varianceK2": torch.stack(variances).tolist()}


def main():
    model = None
    print(json.dumps({"gpytorch": gpytorch.__version__, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "x" in request:
            model = build(request)
            answer = {}
        else:
            answer = roll(model, request)
        print(json.dumps(answer), flush=True)


main()
