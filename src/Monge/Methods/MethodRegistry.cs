using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// The list of all methods, by kind of problem. The command line, the documentation, the gallery and the tests read it; programs may add methods of their own.
/// </summary>
public static class MethodRegistry
{
    private const string LogDensityLosses =
        "J. Sun, J. Berner, L. Richter, M. Zeinhofer, J. Mueller, K. Azizzadenesheli and A. Anandkumar, Dynamical Measure Transport and Neural PDE Solvers "
            + "for Sampling, arXiv:2407.07873";

    private static readonly List<IMethodEntry> s_all =
    [
        Sampler<PinnOptions>(
            "pinn",
            "Neural PDE transport along an annealing path",
            "Learns the drift that carries a Gaussian to the target along an annealing of log densities, by minimising the residual of the continuity "
            + "equation at "
                + "collocation points; draws weighted samples along its ODE or SDE.",
            [LogDensityLosses],
            (target, options) => new PinnTransport(target, options),
            ("quick", new PinnOptions { Training = new() { Iterations = 1000, BatchSize = 512 }, Size = new() { Width = 64 } }),
            ("thorough", new PinnOptions { Training = new() { Iterations = 40_000, BatchSize = 2048 }, Size = new() { Width = 128 } })),
        Sampler<PdeOptions>(
            "pde",
            "Neural PDE transport with a learned evolution",
            "Learns log density and drift of an evolution together by log-density Fokker-Planck, continuity and Hamilton-Jacobi residuals: any evolution "
            + "with or "
                + "without noise, annealing, time reversal, Schroedinger bridge, optimal transport.",
            [LogDensityLosses],
            (target, options) => new PdeTransport(target, options),
            ("quick", new PdeOptions { Training = new() { Iterations = 1000 } }),
            ("timeReversal", new PdeOptions { Evolution = Objectives.Evolution.TimeReversal }),
            ("schroedingerBridge", new PdeOptions { Evolution = Objectives.Evolution.SchroedingerBridge }),
            ("optimalTransport", new PdeOptions { Evolution = Objectives.Evolution.OptimalTransport }),
            ("annealing", new PdeOptions { Evolution = Objectives.Evolution.AnnealingStochastic })),
        Controlled(
            ControlledAlgorithm.Pis, "Path integral sampler",
            "Learns the drift that carries Brownian motion from one point to the target, by simulating whole paths; weighs them by forward and backward "
            + "kernels.",
            "Q. Zhang and Y. Chen, Path Integral Sampler, arXiv:2111.15141"),
        Controlled(
            ControlledAlgorithm.Dis, "Time-reversed diffusion sampler",
            "Learns to run a variance-preserving noising of the target backward, by simulating whole paths.",
            "J. Berner, L. Richter and K. Ullrich, An optimal control perspective on diffusion-based generative modeling, arXiv:2211.01364"),
        Controlled(
            ControlledAlgorithm.Dds, "Denoising diffusion sampler",
            "Learns the control that turns a stationary Ornstein-Uhlenbeck process to the target, by simulating whole paths with exponential-integrator steps.",
            "F. Vargas, W. Grathwohl and A. Doucet, Denoising Diffusion Samplers, arXiv:2302.13834"),
        Controlled(
            ControlledAlgorithm.Gbs, "General bridge sampler",
            "Learns forward and backward control of a diffusion between base and target, by simulating whole paths.",
            "L. Richter and J. Berner, Improved sampling via learned diffusions, arXiv:2307.01198"),
        Controlled(
            ControlledAlgorithm.Cmcd, "Controlled Monte Carlo diffusion",
            "Learns the control that keeps annealed Langevin dynamics on its path of densities, by simulating whole paths.",
            "F. Vargas, S. Padhy, D. Blessing and N. Nuesken, Transport meets Variational Inference: Controlled Monte Carlo Diffusions, arXiv:2307.01050"),
        Classical<NutsOptions>(
            NutsSampler.MethodName, "No-U-turn sampler",
            "Many chains of Hamiltonian Monte Carlo side by side whose trajectories find their own length; they share their adaptation and each evaluation "
            + "of the density. For posteriors with one mode; log Z by bridge sampling.",
            [
                "M. Hoffman and A. Gelman, The No-U-Turn Sampler, JMLR 15 (2014)",
                "M. Betancourt, A Conceptual Introduction to Hamiltonian Monte Carlo, arXiv:1701.02434",
            ],
            MethodGives.EqualWeights | MethodGives.Chains,
            (target, options) => new NutsSampler(target, options),
            ("quick", new NutsOptions { WarmUp = 150, Draws = 50 }),
            ("stan", new NutsOptions
            {
                Chains = 4, WarmUp = 1000, Draws = 1000, TargetAcceptance = 0.8, Metric = MonteCarlo.MetricKind.Diagonal, Start = ChainStart.Uniform,
            }),
            ("dense", new NutsOptions { Metric = MonteCarlo.MetricKind.Dense })),
        Classical<HmcOptions>(
            HmcSampler.MethodName, "Hamiltonian Monte Carlo",
            "Many chains of Hamiltonian Monte Carlo side by side, whose trajectories have one mean length: fewer evaluations than the no-U-turn sampler takes "
            + "where one length fits everywhere. For posteriors with one mode; log Z by bridge sampling.",
            ["R. Neal, MCMC using Hamiltonian dynamics, arXiv:1206.1901"],
            MethodGives.EqualWeights | MethodGives.Chains,
            (target, options) => new HmcSampler(target, options),
            ("quick", new HmcOptions { WarmUp = 150, Draws = 50 })),
        Classical<MalaOptions>(
            MalaSampler.MethodName, "Metropolis-adjusted Langevin algorithm",
            "Many chains of single Langevin steps with Metropolis correction: what other methods are measured against. For posteriors with one mode; log Z by "
            + "bridge sampling.",
            ["G. Roberts and R. Tweedie, Exponential convergence of Langevin distributions and their discrete approximations, Bernoulli 2 (1996)"],
            MethodGives.EqualWeights | MethodGives.Chains,
            (target, options) => new MalaSampler(target, options),
            ("quick", new MalaOptions { WarmUp = 500, Draws = 50 })),
        Classical<RandomWalkOptions>(
            RandomWalkSampler.MethodName, "Random-walk Metropolis",
            "Many chains of normal steps that are accepted or refused: moves by the density's value alone (the gradient serves to start, and for log Z). For "
            + "posteriors with one mode and few coordinates; log Z by bridge sampling.",
            ["A. Gelman, G. Roberts and W. Gilks, Efficient Metropolis jumping rules, Bayesian Statistics 5 (1996)"],
            MethodGives.EqualWeights | MethodGives.Chains,
            (target, options) => new RandomWalkSampler(target, options),
            ("quick", new RandomWalkOptions { WarmUp = 1000, Draws = 50 })),
        Classical<SmcOptions>(
            SmcSampler.MethodName, "Sequential Monte Carlo",
            "Carries particles from a Gaussian to the density through temperatures that are found on the way, each time weighted, resampled and moved by "
            + "Hamiltonian steps; independent islands of them give log Z with its error. For posteriors with one or several modes.",
            ["P. Del Moral, A. Doucet and A. Jasra, Sequential Monte Carlo samplers, JRSS B 68 (2006)"],
            MethodGives.Weights | MethodGives.EqualWeights,
            (target, options) => new SmcSampler(target, options),
            ("quick", new SmcOptions { EffectiveShare = 0.5, Moves = 1 }),
            ("thorough", new SmcOptions { EffectiveShare = 0.97, Moves = 64 })),
        Classical<AisOptions>(
            AisSampler.MethodName, "Annealed importance sampling",
            "Carries particles from a Gaussian to the density through temperatures that a pilot run found, by Hamiltonian steps, each with its own weight: the "
            + "estimate of Z is unbiased.",
            ["R. Neal, Annealed importance sampling, Statistics and Computing 11 (2001)"],
            MethodGives.Weights,
            (target, options) => new AisSampler(target, options),
            ("quick", new AisOptions { Temperatures = 50 }),
            ("thorough", new AisOptions { Temperatures = 2000 })),
        Classical<PtOptions>(
            PtSampler.MethodName, "Parallel tempering",
            "Ladders of chains at temperatures between a Gaussian and the density, whose states are swapped, so that chains at the density go from mode to "
            + "mode by way of the Gaussian; temperatures are put where all swaps are refused equally often. log Z by acceptance ratios.",
            ["S. Syed, A. Bouchard-Cote, G. Deligiannidis and A. Doucet, Non-reversible parallel tempering, JRSS B 84 (2022), arXiv:1905.02939"],
            MethodGives.EqualWeights | MethodGives.Chains,
            (target, options) => new PtSampler(target, options),
            ("quick", new PtOptions { WarmUp = 100, Draws = 100 }),
            ("thorough", new PtOptions { Chains = 64, WarmUp = 2000, Thinning = 10 })),
        Classical<WaysUphillOptions>(
            LaplaceSampler.MethodName, "Laplace's approximation",
            "Draws from Gaussians at the modes with the curvature there, and weighs the draws. For posteriors that are nearly Gaussian; the weights tell.",
            ["L. Tierney and J. Kadane, Accurate approximations for posterior moments and marginal densities, JASA 81 (1986)"],
            MethodGives.Weights,
            (target, options) => new LaplaceSampler(target, options),
            ("thorough", new WaysUphillOptions { Starts = 512, StartSpread = 5 })),
        Classical<WaysUphillOptions>(
            PathfinderSampler.MethodName, "Pathfinder",
            "Draws from the normal approximations along ways uphill, of each way the one nearest to the density, and weighs the draws by the mixture of all. "
            + "For a quick look, and for posteriors without a mode.",
            ["L. Zhang, B. Carpenter, A. Gelman and A. Vehtari, Pathfinder: Parallel quasi-Newton variational inference, JMLR 23 (2022)"],
            MethodGives.Weights,
            (target, options) => new PathfinderSampler(target, options),
            ("thorough", new WaysUphillOptions { Starts = 256 })),
        Classical<VariationalOptions>(
            VariationalSampler.MethodName, "Variational Gaussian",
            "Draws from the Gaussian with the largest evidence lower bound, and weighs the draws.",
            [
                "A. Kucukelbir, D. Tran, R. Ranganath, A. Gelman and D. Blei, Automatic differentiation variational inference, JMLR 18 (2017)",
                "G. Roeder, Y. Wu and D. Duvenaud, Sticking the landing, arXiv:1703.09194",
            ],
            MethodGives.Weights,
            (target, options) => new VariationalSampler(target, options),
            ("quick", new VariationalOptions { Iterations = 500 }),
            ("meanField", new VariationalOptions { Family = GaussianFamily.Diagonal })),
        Sampler<NetsOptions>(
            "nets",
            "Non-equilibrium transport sampler",
            "Annealed Langevin walkers with a learned drift and exact weights: the drift is learned off-policy from the walkers' own paths, and the "
            + "diffusion is chosen "
                + "after the training by the effective sample size.",
            ["M. S. Albergo and E. Vanden-Eijnden, NETS: A Non-Equilibrium Transport Sampler, arXiv:2410.02711"],
            (target, options) => new NetsTransport(target, options),
            ("quick", new NetsOptions { Training = new() { Iterations = 1000, BatchSize = 512 }, Size = new() { Width = 64 } }),
            ("thorough", new NetsOptions { Training = new() { Iterations = 20_000, BatchSize = 2048 }, Size = new() { Width = 128 } }),
            ("interpolated", new NetsOptions { Path = NetsPath.Interpolated }),
            ("gates", new NetsOptions { Path = NetsPath.Interpolated, Network = NetsNetwork.None, Training = new() { Iterations = 500, LearningRate = 0.02 } }),
            ("separable", new NetsOptions { Network = NetsNetwork.Separable }),
            ("inertial", new NetsOptions
            {
                Carry = new() { Sampler = SamplerChoice.Sde }, Walker = new() { Dynamics = NetsDynamics.Inertial, Weights = NetsWeights.Continuous },
            }),
            ("resampled", new NetsOptions { Carry = new() { Sampler = SamplerChoice.Sde }, Walker = new() { ResamplingThreshold = 0.7 } }),
            ("action-matching", new NetsOptions
            {
                Objective = NetsObjective.ActionMatching, Drift = NetsDrift.Potential,
                Simulation = new() { Walkers = 256, GridTimes = 32, RefreshInterval = 1 },
            })),
        Sampler<JkoSamplerOptions>(
            JkoTransport.MethodName,
            "Wasserstein gradient flow to the target",
            "Follows the gradient flow of the Kullback-Leibler divergence from the target by growing steps of Jordan, Kinderlehrer and Otto, each the gradient "
            + "of an input-convex network, until the lower bound of log Z stands; draws independent samples with exact weights.",
            ["P. Mokrov, A. Korotin, L. Li, A. Genevay, J. Solomon and E. Burnaev, Large-Scale Wasserstein Gradient Flows, arXiv:2106.00736"],
            (target, options) => new JkoTransport(target, options),
            ("small", new JkoSamplerOptions
            {
                Steps = 3, FirstStep = 0.3, StepGrowth = 3, Width = 32, Pool = 16_384, Training = new() { Iterations = 600, LearningRate = 0.02 },
            }),
            ("normal", new JkoSamplerOptions { AffinePart = true, Width = 16, Steps = 8, FirstStep = 0.25, StepGrowth = 2 }),
            ("paper", new JkoSamplerOptions
            {
                FirstStep = 0.1, StepGrowth = 1, IdentityIterations = 4000,
                Training = new() { LearningRate = 5e-3, FinalLearningRateShare = 1, AverageDecay = 0 },
            })),
        Fit<InterpolantOptions>(
            InterpolantFit.Name,
            "Stochastic interpolant",
            "Learns a transport from a base to the rows of a table, or between two tables, by regression on an interpolant of their ends: no path is "
            + "simulated while "
                + "training. Draws rows, tells densities, maps rows.",
            [
                "M. Albergo and E. Vanden-Eijnden, Building normalizing flows with stochastic interpolants, arXiv:2209.15571",
                "M. Albergo, N. Boffi and E. Vanden-Eijnden, Stochastic interpolants: a unifying framework for flows and diffusions, arXiv:2303.08797",
            ],
            (data, options) => new InterpolantFit(data, options)),
        MethodEntry<NetworkProblem, NetworkModel>.Create<NetworkTrainingOptions>(
            new MethodFacts(
                MethodKind.Train, NetworkTraining.Name, "Neurons in the mean field",
                "Trains networks of neurons, shallow or on a frozen random first layer, from independent starts: their mean predicts, and their spread makes "
                + "the band of the central limit theorem. By gradient flow the tangent kernel certifies the rate of the loss.")
            {
                References =
                [
                    "G. Rotskoff and E. Vanden-Eijnden, Trainability and accuracy of neural networks, arXiv:1805.00915",
                    "Z. Chen, G. Rotskoff, J. Bruna and E. Vanden-Eijnden, A dynamical central limit theorem for shallow neural networks, arXiv:2008.09623",
                    "Z. Chen, E. Vanden-Eijnden and J. Bruna, On feature learning in neural networks with global convergence guarantees, arXiv:2204.10782",
                ],
                Needs = MethodNeeds.Data,
            },
            (problem, options) => new NetworkTraining(problem, options),
            ("quick", new NetworkTrainingOptions { Width = 256, Iterations = 4000, Runs = 3 }),
            ("flow", new NetworkTrainingOptions { Optimiser = NetworkOptimiser.Flow, Runs = 1, Iterations = 2000 })),
        Evolution<JkoOptions>(
            JkoFlow.Name,
            "Wasserstein gradient flow by convex potentials",
            "Follows the law of a gradient flow by steps of Jordan, Kinderlehrer and Otto, each the gradient of an input-convex network: samples and exact "
            + "densities at every step, without a grid.",
            ["P. Mokrov, A. Korotin, L. Li, A. Genevay, J. Solomon and E. Burnaev, Large-Scale Wasserstein Gradient Flows, arXiv:2106.00736"],
            (problem, options) => problem.Observations.Count > 0 ? new JkoFilter(problem, options) : new JkoFlow(problem, options),
            Maturity.Preview,
            ("quick", new JkoOptions { Iterations = 150, BatchSize = 512, Pool = 16_384, Width = 32 }),
            ("paper", new JkoOptions { AffinePart = false, FinalLearningRateShare = 1, AverageDecay = 0, Conditioning = Conditioning.Metropolis })),
        Evolution<SbtmOptions>(
            SbtmFlow.Name,
            "Score-based transport along the probability flow",
            "Follows the law of a diffusion by particles that move along its probability flow, whose score is learned on them as they go: any drift, also one "
            + "that is no gradient, and noise in some directions only. Samples, densities, entropy and current at every step.",
            ["N. Boffi and E. Vanden-Eijnden, Probability flow solution of the Fokker-Planck equation, arXiv:2206.04642"],
            (problem, options) => new SbtmFlow(problem, options),
            Maturity.Preview,
            ("quick", new SbtmOptions { Step = 0.02, Particles = 4096, Width = 32, Iterations = 50 }),
            ("paper", new SbtmOptions
            {
                Step = 1e-3, Stepper = SbtmStepper.Euler, Particles = 10_000, HeldOut = 0, MatchMoments = false, Iterations = 25, GradientTolerance = 0.5,
                BatchSize = 10_000, Optimiser = SbtmOptimiser.RectifiedAdam, LearningRate = 5e-3, AverageDecay = 0, Loss = SbtmLoss.Denoising,
                FinalLearningRateShare = 1, GaussianPart = false, DriftPart = false, Width = 32, Depth = 3, InitialTolerance = 1e-6,
            })),
    ];

    /// <summary>All methods.</summary>
    public static IReadOnlyList<IMethodEntry> All => s_all;

    /// <summary>The samplers.</summary>
    public static IReadOnlyList<MethodEntry<SamplingProblem, SampleSet>> Samplers => Of<SamplingProblem, SampleSet>(MethodKind.Sample);

    /// <summary>The samplers that can be calibrated on a model: those that train nothing, as each simulation has a posterior of its own.</summary>
    public static IReadOnlyList<MethodEntry<CalibrationProblem, CalibrationResult>> Calibrations =>
        [.. Samplers.Where(s => !s.Facts.Trains).Select(s => s.For<CalibrationProblem, CalibrationResult>(
            MethodKind.Calibrate,
            (problem, options, bind) => new BoundCalibration(problem, options, target => new BoundPosterior(s.Facts.Name, options, target, bind))))];

    /// <summary>The samplers by whose draws a model can be checked against data.</summary>
    public static IReadOnlyList<MethodEntry<PredictiveProblem, PredictiveResult>> PredictiveChecks =>
        [.. Samplers.Select(s => s.For<PredictiveProblem, PredictiveResult>(
            MethodKind.Check,
            (problem, options, bind) => new BoundPredictive(problem, options, target => new BoundPosterior(s.Facts.Name, options, target, bind))))];

    /// <summary>The name of the fit that learns tables whose columns have types.</summary>
    public const string TypedFit = InterpolantFit.Name;

    /// <summary>The fits.</summary>
    public static IReadOnlyList<MethodEntry<FitProblem, FlowModel>> Fits => Of<FitProblem, FlowModel>(MethodKind.Fit);

    /// <summary>The trainings of networks on tables.</summary>
    public static IReadOnlyList<MethodEntry<NetworkProblem, NetworkModel>> Trainings => Of<NetworkProblem, NetworkModel>(MethodKind.Train);

    /// <summary>The methods that follow laws in time.</summary>
    public static IReadOnlyList<MethodEntry<EvolutionProblem, IEvolution>> Evolutions => Of<EvolutionProblem, IEvolution>(MethodKind.Evolve);

    /// <summary>The methods of a kind.</summary>
    /// <typeparam name="TProblem">The kind's problem.</typeparam>
    /// <typeparam name="TResult">The kind's result.</typeparam>
    /// <param name="kind">The kind.</param>
    public static IReadOnlyList<MethodEntry<TProblem, TResult>> Of<TProblem, TResult>(MethodKind kind) =>
        [.. s_all.Where(e => e.Facts.Kind == kind).Cast<MethodEntry<TProblem, TResult>>()];

    /// <summary>Adds a method of a program's own: the commands of its kind then know it.</summary>
    /// <param name="entry">The method.</param>
    /// <exception cref="ArgumentException">There is a method of that kind and name.</exception>
    public static void Add(IMethodEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (s_all.Any(e => e.Facts.Kind == entry.Facts.Kind && e.Facts.Name == entry.Facts.Name))
        {
            throw new ArgumentException($"There is a method '{entry.Facts.Name}' already; give yours another name.", nameof(entry));
        }

        s_all.Add(entry);
    }

    /// <summary>The line of a sampler.</summary>
    /// <typeparam name="TOptions">Its options.</typeparam>
    /// <param name="name">Its name on the command line.</param>
    /// <param name="title">Its title.</param>
    /// <param name="description">What it does, in one or two sentences.</param>
    /// <param name="references">The papers.</param>
    /// <param name="create">Binds it to a density and options.</param>
    /// <param name="presets">Named options.</param>
    public static MethodEntry<SamplingProblem, SampleSet> Sampler<TOptions>(
        string name,
        string title,
        string description,
        IReadOnlyList<string> references,
        Func<Measures.Density, TOptions, ISamplingMethod> create,
        params (string Name, TOptions Options)[] presets)
        where TOptions : class, IMethodOptions, new() => MethodEntry<SamplingProblem, SampleSet>.Create<TOptions>(
            new MethodFacts(MethodKind.Sample, name, title, description) { References = references, Needs = MethodNeeds.Gradient, Gives = MethodGives.Weights },
            (problem, options) => new BoundSampler(create(problem.Target, options), problem.Samples),
            presets);

    /// <summary>The line of a fit.</summary>
    /// <typeparam name="TOptions">Its options.</typeparam>
    /// <param name="name">Its name on the command line.</param>
    /// <param name="title">Its title.</param>
    /// <param name="description">What it does, in one or two sentences.</param>
    /// <param name="references">The papers.</param>
    /// <param name="create">Binds it to data and options.</param>
    /// <param name="presets">Named options.</param>
    public static MethodEntry<FitProblem, FlowModel> Fit<TOptions>(
        string name,
        string title,
        string description,
        IReadOnlyList<string> references,
        Func<FlowData, TOptions, IMethod<FlowModel>> create,
        params (string Name, TOptions Options)[] presets)
        where TOptions : class, IMethodOptions, new() => MethodEntry<FitProblem, FlowModel>.Create<TOptions>(
            new MethodFacts(MethodKind.Fit, name, title, description) { References = references, Needs = MethodNeeds.Data, Gives = MethodGives.Density },
            (problem, options) => create(problem.Data, options),
            presets);

    /// <summary>The line of a method that follows laws in time.</summary>
    /// <typeparam name="TOptions">Its options.</typeparam>
    /// <param name="name">Its name on the command line.</param>
    /// <param name="title">Its title.</param>
    /// <param name="description">What it does, in one or two sentences.</param>
    /// <param name="references">The papers.</param>
    /// <param name="create">Binds it to an evolution and options.</param>
    /// <param name="maturity">How far it may be relied on.</param>
    /// <param name="presets">Named options.</param>
    public static MethodEntry<EvolutionProblem, IEvolution> Evolution<TOptions>(
        string name,
        string title,
        string description,
        IReadOnlyList<string> references,
        Func<EvolutionProblem, TOptions, IMethod<IEvolution>> create,
        Maturity maturity,
        params (string Name, TOptions Options)[] presets)
        where TOptions : class, IMethodOptions, new() => MethodEntry<EvolutionProblem, IEvolution>.Create<TOptions>(
            new MethodFacts(MethodKind.Evolve, name, title, description)
            {
                References = references,
                Maturity = maturity,
                Needs = MethodNeeds.Gradient | MethodNeeds.ExactDraws,
                Gives = MethodGives.EqualWeights | MethodGives.Density,
            },
            create,
            presets);

    private static MethodEntry<SamplingProblem, SampleSet> Controlled(ControlledAlgorithm algorithm, string title, string description, string reference) =>
        Sampler<ControlledOptions>(
        MethodOptions.NameOf(algorithm.ToString()),
        title,
        description,
        algorithm == ControlledAlgorithm.Gbs
        ? [reference] : [reference, "L. Richter and J. Berner, Improved sampling via learned diffusions, arXiv:2307.01198 (log-variance loss)"],
        (target, options) => new ControlledTransport(target, algorithm, options),
        ("small", new ControlledOptions { Training = new() { Iterations = 500, BatchSize = 128 }, Steps = 32, Size = new() { Width = 32 } }),
        ("kl", new ControlledOptions { Loss = Objectives.PathSpaceLoss.Kl }),
        ("paper", new ControlledOptions { Training = new() { Iterations = 60_000, BatchSize = 2048 }, Steps = 200 }));

    // A sampler that trains nothing.
    private static MethodEntry<SamplingProblem, SampleSet> Classical<TOptions>(
        string name, string title, string description, IReadOnlyList<string> references, MethodGives gives,
        Func<Measures.Density, TOptions, ISamplingMethod> create, params (string Name, TOptions Options)[] presets)
        where TOptions : class, IMethodOptions, new() => MethodEntry<SamplingProblem, SampleSet>.Create(
            new MethodFacts(MethodKind.Sample, name, title, description)
            {
                References = references,
                Needs = MethodNeeds.Gradient,
                Gives = gives,
                Trains = false,
            },
            (problem, options) => new BoundSampler(create(problem.Target, options), problem.Samples),
            presets);

    private sealed record BoundSampler(ISamplingMethod Method, int Samples) : IMethod<SampleSet>
    {
        public IMethodOptions Options => Method.Options;

        public SampleSet Run(Run run) => Method.Sample(Samples, run);
    }
}
