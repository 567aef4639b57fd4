using Monge.Runs;

namespace Monge.Methods;

/// <summary>Where an annealing starts: base and exponents.</summary>
public sealed record PreparationOptions : IOptionGroup
{
    /// <summary>Where the annealing starts.</summary>
    public BaseChoice Base { get; init; } = BaseChoice.Automatic;

    /// <summary>Standard deviation s of the isotropic base, above 0.</summary>
    public double BaseScale { get; init; } = 3.0;

    /// <summary>Factor on the standard deviations of a fitted base, 0.5 to 10.</summary>
    public double BaseInflation { get; init; } = 1.1;

    /// <summary>The exponent a of the annealing V = t^a log rho + (1-t)^b log p0, 1 to 10; null lets short trainings choose.</summary>
    public double? TargetExponent { get; init; }

    /// <summary>The exponent b of the annealing, 1 to 10; null lets short trainings choose. Larger than a: the path widens first.</summary>
    public double? BaseExponent { get; init; }

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Known<BaseChoice>(Base);
        OptionCheck.Above<double>(BaseScale, 0);
        OptionCheck.Within<double>(BaseInflation, 0.5, 10);
        OptionCheck.Within(TargetExponent, 1, 10);
        OptionCheck.Within(BaseExponent, 1, 10);
    }
}

/// <summary>Where collocation points come from: the particles of the current transport, and boxes around it.</summary>
public sealed record CollocationOptions : IOptionGroup
{
    /// <summary>
    /// Share of collocation points drawn from the interpolated box instead of the current particles, 0 to 1; null is 0.1 up to six coordinates, else 0.
    /// </summary>
    public double? BoxShare { get; init; }

    /// <summary>Half-width of the collocation box in standard deviations of the base, 1 to 20.</summary>
    public double BoxHalfWidth { get; init; } = 3.0;

    /// <summary>
    /// Residuals r enter as s^2 log(1 + r^2 / s^2) with this scale s (Cauchy loss), so that the far corners of the box don't rule; above 0. Both losses have
    /// the same zero. Null takes the method's own.
    /// </summary>
    public double? ResidualScale { get; init; }

    /// <summary>Optimiser steps between two simulations of the current particles, at least 1.</summary>
    public int RefreshInterval { get; init; } = 100;

    /// <summary>Particles simulated at each refresh, 16 to 1,000,000.</summary>
    public int Walkers { get; init; } = 1024;

    /// <summary>Steps of those simulations, 8 to 100,000.</summary>
    public int WalkerSteps { get; init; } = 64;

    /// <summary>These options with what is missing filled in.</summary>
    internal CollocationOptions Resolve(int dimension, double? residualScale) =>
        this with { BoxShare = BoxShare ?? (dimension <= 6 ? 0.1 : 0), ResidualScale = ResidualScale ?? residualScale };

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within(BoxShare, 0, 1);
        OptionCheck.Within<double>(BoxHalfWidth, 1, 20);
        OptionCheck.Above(ResidualScale, 0);
        OptionCheck.AtLeast<int>(RefreshInterval, 1);
        OptionCheck.Within<int>(Walkers, 16, 1_000_000);
        OptionCheck.Within<int>(WalkerSteps, 8, 100_000);
    }
}

/// <summary>How particles are carried when samples are drawn; none of it changes the training.</summary>
public sealed record CarryOptions : IOptionGroup
{
    /// <summary>How particles are carried; null takes the method's own, which is automatic but for evolutions with noise.</summary>
    public SamplerChoice? Sampler { get; init; }

    /// <summary>Steps of the chosen sampler, 4 to 100,000; null lets the validation batch choose.</summary>
    public int? SamplerSteps { get; init; }

    /// <summary>
    /// A constant diffusion eps of the SDE, above 0: in the base's units, along a given path in the target's; null lets the validation batch choose.
    /// </summary>
    public double? Diffusion { get; init; }

    /// <summary>The Runge-Kutta method of the ODE. A method of lower order takes more steps for weights that are as exact.</summary>
    public OdeSolver Solver { get; init; }

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Known(Sampler);
        OptionCheck.Known<OdeSolver>(Solver);
        OptionCheck.Within(SamplerSteps, 4, 100_000);
        OptionCheck.Above(Diffusion, 0);
    }
}

/// <summary>How walkers are simulated along the current transport and kept, so that a training can draw from them.</summary>
public sealed record ReplayOptions : IOptionGroup
{
    /// <summary>Walkers of a simulation, 16 to 1,000,000.</summary>
    public int Walkers { get; init; } = 512;

    /// <summary>Random times of a simulation's grid, 4 to 10,000; drawn anew for each simulation, one in each of equal intervals.</summary>
    public int GridTimes { get; init; } = 40;

    /// <summary>Optimiser steps between two simulations, at least 1.</summary>
    public int RefreshInterval { get; init; } = 20;

    /// <summary>Simulations that are kept for replay, 1 to 1,000. A training that weighs walkers uses only the newest.</summary>
    public int Replay { get; init; } = 4;

    /// <summary>Share of the points that are moved off the walkers' law, 0 to 1.</summary>
    public double SpreadShare { get; init; } = 0.1;

    /// <summary>How far they are moved: Gaussian noise of this many standard deviations of the walkers at that time, 0 to 10.</summary>
    public double Spread { get; init; } = 0.5;

    /// <summary>Share of the training over which the time horizon grows to 1, 0 to 1.</summary>
    public double? HorizonShare { get; init; }

    /// <summary>The first time horizon, above 0 and at most 1.</summary>
    public double FirstHorizon { get; init; } = 0.1;

    /// <summary>Langevin relaxation times of the mean curvature that walkers get in a training simulation, 0.01 to 10,000.</summary>
    public double Relaxation { get; init; } = 4;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Walkers, 16, 1_000_000);
        OptionCheck.Within<int>(GridTimes, 4, 10_000);
        OptionCheck.AtLeast<int>(RefreshInterval, 1);
        OptionCheck.Within<int>(Replay, 1, 1_000);
        OptionCheck.Within<double>(SpreadShare, 0, 1);
        OptionCheck.Within<double>(Spread, 0, 10);
        OptionCheck.Within(HorizonShare, 0, 1);
        OptionCheck.AboveTo<double>(FirstHorizon, 0, 1);
        OptionCheck.Within<double>(Relaxation, 0.01, 10_000);
    }
}
