using Monge.Data;
using Monge.Engine.Execution;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Simulation-based calibration: parameters are drawn from the prior, data at them, and draws from the posterior of these data; the rank of a parameter
/// among the draws is uniform if model and sampler are right. Source: S. Talts, M. Betancourt, D. Simpson, A. Vehtari and A. Gelman, "Validating Bayesian
/// inference algorithms with simulation-based calibration", arXiv:1804.06788, algorithm 1.
/// </summary>
public static class Calibration
{
    // Simulations side by side between two checkpoints.
    private const int Batch = 16;

    // Draws made for each that is kept, so that chains are long enough to be judged, and what is kept lies far apart.
    private const int Thinning = 20;

    /// <summary>Calibrates a sampler on a model.</summary>
    /// <param name="model">The model, which can simulate.</param>
    /// <param name="sampler">The sampler of a posterior; draws that depend on each other are thinned.</param>
    /// <param name="run">Seed, threads, folder, progress, cancellation.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <param name="design">Covariates, times and numbers of observations; null for those of the model's usual data.</param>
    /// <exception cref="NotSupportedException">The model has a flat prior.</exception>
    /// <exception cref="DataFormatException">The design doesn't fit the model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; with a folder given, the state was saved there.</exception>
    /// <exception cref="CheckpointException">The folder's checkpoint can't be resumed.</exception>
    public static CalibrationResult Run(
        PosteriorModel model, Func<Density, ISamplingMethod> sampler, Run run, CalibrationOptions? options = null, ModelData? design = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(run);
        options ??= new CalibrationOptions();
        options.Check();
        var usual = model.Posterior(design);
        var method = sampler(usual);
        var session = new RunSession(run, new RunIdentity("calibrate", [.. SamplingMethods.Identity(usual), ("sampler", method.Name),
            ("samplerOptions", MethodOptions.Format(method.Options))], options));
        var phase = new Simulations(model, sampler, run, options.Simulations, options.Draws, design, usual.Names.Count);
        session.Iterate("calibrate", phase, (options.Simulations + Batch - 1) / Batch, validations: 1);
        return new CalibrationResult
        {
            Model = model.Name,
            Method = method.Name,
            Options = options,
            Names = usual.Names,
            Ranks = phase.Ranks,
            Outcomes = phase.Outcomes,
            Seed = run.Seed,
        };
    }

    private sealed class Simulations(
        PosteriorModel model, Func<Density, ISamplingMethod> sampler, Run run, int count, int draws, ModelData? design, int dimension) : IIterative
    {
        /// <summary>Ranks [simulations, d]; -1 where there is none.</summary>
        public int[] Ranks { get; } = new int[count * dimension];

        /// <summary>How each simulation ended: see <see cref="SimulationOutcome"/>.</summary>
        public SimulationOutcome[] Outcomes { get; } = new SimulationOutcome[count];

        public bool IsRepeatable => true;

        public void Init() => Array.Fill(Ranks, -1);

        public StepInfo Step(long iteration, long total)
        {
            var (first, end) = ((int)iteration * Batch, Math.Min(((int)iteration + 1) * Batch, count));
            Workers.For(end - first, run.Threads, k => Simulate(first + k));
            return new StepInfo();
        }

        public void Exchange(RunState state)
        {
            var outcomes = Array.ConvertAll(Outcomes, o => (int)o);
            state.Exchange<int>("ranks", Ranks);
            state.Exchange<int>("outcomes", outcomes);
            for (var s = 0; s < count; s++)
            {
                Outcomes[s] = (SimulationOutcome)outcomes[s];
            }
        }

        private void Simulate(int simulation)
        {
            // It was done before its batch was broken off.
            if (Ranks[simulation * dimension] >= 0)
            {
                return;
            }

            var seed = unchecked((run.Seed * 1_000_003) + (ulong)simulation);
            var random = new RandomStream(seed, StreamName.Of("calibration"));
            var simulated = model.Simulate(random, design);
            SampleSet set;
            try
            {
                set = sampler(model.Posterior(simulated.Data)).Sample(Thinning * draws, new Run { Seed = seed, Threads = 1, Cancellation = run.Cancellation });
            }
            catch (Exception error) when (error is DensityException or ArithmeticException)
            {
                Outcomes[simulation] = SimulationOutcome.Broken;
                return;
            }

            Outcomes[simulation] = set.IsFailed ? SimulationOutcome.Failed : set.Warnings.Count > 0 ? SimulationOutcome.Warned : SimulationOutcome.Fine;
            var rows = IndependentDraws.Choose(set, draws, random);
            for (var j = 0; j < dimension; j++)
            {
                var truth = simulated.Parameters[j];
                var (below, equal) = (0, 0);
                foreach (var row in rows)
                {
                    var value = set.Positions[(row * dimension) + j];
                    below += value < truth ? 1 : 0;
                    equal += value == truth ? 1 : 0;
                }

                // Whole numbers tie with the truth: then any of the places between is as good.
                Ranks[(simulation * dimension) + j] = below + random.NextInt(equal + 1);
            }
        }
    }
}

/// <summary>How a simulation of a calibration ended.</summary>
public enum SimulationOutcome
{
    /// <summary>Without a warning.</summary>
    Fine,

    /// <summary>With a warning of the sampler, such as divergences.</summary>
    Warned,

    /// <summary>The sampler called its own draws useless; their ranks count all the same.</summary>
    Failed,

    /// <summary>The posterior couldn't be sampled; there are no ranks.</summary>
    Broken,
}
