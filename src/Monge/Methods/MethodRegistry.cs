using Monge.Data;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>How far a method may be relied on.</summary>
public enum Maturity
{
    /// <summary>Its figures are reproduced and its options will stay.</summary>
    Stable,

    /// <summary>Works; options may change.</summary>
    Preview,

    /// <summary>Under trial.</summary>
    Experimental,
}

/// <summary>One published method.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Title">Its title.</param>
/// <param name="Description">What it does, in one or two sentences.</param>
/// <param name="References">The papers.</param>
/// <param name="Maturity">How far it may be relied on.</param>
/// <param name="Presets">Named option sets, as JSON.</param>
/// <param name="Create">Binds the method to a density and settings; throws <see cref="ArgumentException"/> for options that are out of range or unknown.</param>
public sealed record MethodEntry(
    string Name,
    string Title,
    string Description,
    IReadOnlyList<string> References,
    Maturity Maturity,
    IReadOnlyDictionary<string, string> Presets,
    Func<Density, MethodSettings, ISamplingMethod> Create);

/// <summary>The list of all methods. The command line, the documentation, the gallery and the tests read it.</summary>
public static class MethodRegistry
{
    /// <summary>All methods, by name.</summary>
    public static IReadOnlyList<MethodEntry> All { get; } =
    [
        new MethodEntry(
            "pinn",
            "Neural PDE transport along an annealing path",
            "Learns the drift that carries a Gaussian to the target along an annealing of log densities, by minimising the residual of the continuity equation at collocation points; draws weighted samples along its ODE or SDE.",
            ["J. Sun, J. Berner, L. Richter, M. Zeinhofer, J. Mueller, K. Azizzadenesheli and A. Anandkumar, Dynamical Measure Transport and Neural PDE Solvers for Sampling, arXiv:2407.07873"],
            Maturity.Preview,
            new Dictionary<string, string>
            {
                ["quick"] = """{ "iterations": 1000, "width": 64, "batchSize": 512 }""",
                ["thorough"] = """{ "iterations": 40000, "width": 128, "batchSize": 2048 }""",
            },
            (density, settings) => new PinnTransport(density, settings.Resolve<PinnOptions>())),
        new MethodEntry(
            "pde",
            "Neural PDE transport with a learned evolution",
            "Learns log density and drift of an evolution together by log-density Fokker-Planck, continuity and Hamilton-Jacobi residuals: any evolution with or without noise, annealing, time reversal, Schroedinger bridge, optimal transport.",
            ["J. Sun, J. Berner, L. Richter, M. Zeinhofer, J. Mueller, K. Azizzadenesheli and A. Anandkumar, Dynamical Measure Transport and Neural PDE Solvers for Sampling, arXiv:2407.07873"],
            Maturity.Preview,
            new Dictionary<string, string>
            {
                ["quick"] = """{ "iterations": 1000 }""",
                ["timeReversal"] = """{ "evolution": "timeReversal" }""",
                ["schroedingerBridge"] = """{ "evolution": "schroedingerBridge" }""",
                ["optimalTransport"] = """{ "evolution": "optimalTransport" }""",
                ["annealing"] = """{ "evolution": "annealingStochastic" }""",
            },
            (density, settings) => new PdeTransport(density, settings.Resolve<PdeOptions>())),
        Controlled(
            "pis", ControlledAlgorithm.Pis, "Path integral sampler",
            "Learns the drift that carries Brownian motion from one point to the target, by simulating whole paths; weighs them by forward and backward kernels.",
            "Q. Zhang and Y. Chen, Path Integral Sampler, arXiv:2111.15141"),
        Controlled(
            "dis", ControlledAlgorithm.Dis, "Time-reversed diffusion sampler",
            "Learns to run a variance-preserving noising of the target backward, by simulating whole paths.",
            "J. Berner, L. Richter and K. Ullrich, An optimal control perspective on diffusion-based generative modeling, arXiv:2211.01364"),
        Controlled(
            "dds", ControlledAlgorithm.Dds, "Denoising diffusion sampler",
            "Learns the control that turns a stationary Ornstein-Uhlenbeck process to the target, by simulating whole paths with exponential-integrator steps.",
            "F. Vargas, W. Grathwohl and A. Doucet, Denoising Diffusion Samplers, arXiv:2302.13834"),
        Controlled(
            "gbs", ControlledAlgorithm.Gbs, "General bridge sampler",
            "Learns forward and backward control of a diffusion between base and target, by simulating whole paths.",
            "L. Richter and J. Berner, Improved sampling via learned diffusions, arXiv:2307.01198"),
        Controlled(
            "cmcd", ControlledAlgorithm.Cmcd, "Controlled Monte Carlo diffusion",
            "Learns the control that keeps annealed Langevin dynamics on its path of densities, by simulating whole paths.",
            "F. Vargas, S. Padhy, D. Blessing and N. Nuesken, Transport meets Variational Inference: Controlled Monte Carlo Diffusions, arXiv:2307.01050"),
        new MethodEntry(
            "nets",
            "Non-equilibrium transport sampler",
            "Annealed Langevin walkers with a learned drift and exact weights: the drift is learned off-policy from the walkers' own paths, and the diffusion is chosen after the training by the effective sample size.",
            ["M. S. Albergo and E. Vanden-Eijnden, NETS: A Non-Equilibrium Transport Sampler, arXiv:2410.02711"],
            Maturity.Preview,
            new Dictionary<string, string>
            {
                ["quick"] = """{ "iterations": 1000, "width": 64, "batchSize": 512 }""",
                ["thorough"] = """{ "iterations": 20000, "width": 128, "batchSize": 2048 }""",
                ["interpolated"] = """{ "path": "interpolated" }""",
                ["gates"] = """{ "path": "interpolated", "network": "none", "iterations": 500, "learningRate": 0.02 }""",
                ["separable"] = """{ "network": "separable" }""",
                ["inertial"] = """{ "sampler": "sde", "dynamics": "inertial", "weights": "continuous" }""",
                ["resampled"] = """{ "sampler": "sde", "resamplingThreshold": 0.7 }""",
                ["action-matching"] = """{ "objective": "actionMatching", "drift": "potential", "walkers": 256, "gridTimes": 32, "refreshInterval": 1 }""",
            },
            (density, settings) => new NetsTransport(density, settings.Resolve<NetsOptions>())),
    ];

    /// <summary>The method of a name, or null.</summary>
    public static MethodEntry? Find(string name) => All.FirstOrDefault(e => e.Name == name);

    /// <summary>The method whose name is nearest to a (misspelt) name, by the number of single-letter edits.</summary>
    public static MethodEntry Nearest(string name) => All.MinBy(e => NearestName.EditDistance(e.Name, name.ToLowerInvariant()))!;

    private static MethodEntry Controlled(string name, ControlledAlgorithm algorithm, string title, string description, string reference) => new(
        name,
        title,
        description,
        reference.Contains("2307.01198", StringComparison.Ordinal)
            ? [reference]
            : [reference, "L. Richter and J. Berner, Improved sampling via learned diffusions, arXiv:2307.01198 (log-variance loss)"],
        Maturity.Preview,
        new Dictionary<string, string>
        {
            ["small"] = """{ "iterations": 500, "batchSize": 128, "steps": 32, "width": 32 }""",
            ["kl"] = """{ "loss": "kl" }""",
            ["paper"] = """{ "iterations": 60000, "batchSize": 2048, "steps": 200 }""",
        },
        (density, settings) => new ControlledTransport(density, algorithm, settings.Resolve<ControlledOptions>()));
}
