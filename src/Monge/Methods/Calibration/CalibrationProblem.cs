using Monge.Data;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A model on which a sampler is to be calibrated.</summary>
/// <param name="Model">The model, which can simulate.</param>
/// <param name="Options">How many simulations, and how they are told.</param>
/// <param name="Design">Covariates, times and numbers of observations; null for those of the model's usual data.</param>
public sealed record CalibrationProblem(PosteriorModel Model, CalibrationOptions Options, ModelData? Design = null);

/// <summary>A model that is to be checked against data.</summary>
/// <param name="Model">The model.</param>
/// <param name="Options">How many replicates.</param>
/// <param name="Data">The data; null for the model's usual ones.</param>
public sealed record PredictiveProblem(PosteriorModel Model, PredictiveOptions Options, ModelData? Data = null);

/// <summary>A sampler's calibration as a method.</summary>
internal sealed record BoundCalibration(CalibrationProblem Problem, IMethodOptions Options, Func<Density, ISamplingMethod> Sampler) : IMethod<CalibrationResult>
{
    public CalibrationResult Run(Run run) => Calibration.Run(Problem.Model, Sampler, run, Problem.Options, Problem.Design);
}

/// <summary>A model's check by a sampler as a method.</summary>
internal sealed record BoundPredictive(PredictiveProblem Problem, IMethodOptions Options, Func<Density, ISamplingMethod> Sampler) : IMethod<PredictiveResult>
{
    public PredictiveResult Run(Run run) => PredictiveCheck.Run(Problem.Model, Sampler, run, Problem.Options, Problem.Data);
}

/// <summary>A sampler of the registry with its options, on a density of a model.</summary>
internal sealed record BoundPosterior(string Name, IMethodOptions Options, Density Target, Func<SamplingProblem, IMethod<SampleSet>> Bind) : ISamplingMethod
{
    public SampleSet Sample(int samples, Run run) => Bind(new SamplingProblem(Target, samples)).Run(run);
}
