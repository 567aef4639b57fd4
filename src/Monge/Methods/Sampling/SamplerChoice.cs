namespace Monge.Methods;

/// <summary>How particles are carried from the base to the target.</summary>
public enum SamplerChoice
{
    /// <summary>The ODE and several SDEs compete on a validation batch; the highest effective sample size wins.</summary>
    Automatic,

    /// <summary>The ODE dX = b dt with the density from the divergence (Runge-Kutta 4).</summary>
    Ode,

    /// <summary>The SDE dX = (b + eps grad V) dt + sqrt(2 eps) dW with forward/backward kernel weights, exact at any step size.</summary>
    Sde,
}
